import { useLocation, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

/**
 * What a page is filtered by, kept in the query string so that it can be linked and survives a reload. Values that are
 * the defaults stay out of it. Changing a filter goes back to the first page, if `page` or `cursor` is among them.
 */
export function useFilters<F extends Record<string, string>>(
  defaults: F,
): [F, (changed: Partial<F>) => void] {
  const search = useLocation({ select: (location) => location.search as Record<string, string> });
  const navigate = useNavigate();
  const filters = useMemo(() => {
    const known = Object.entries(search).filter(([name]) => name in defaults);
    return { ...defaults, ...Object.fromEntries(known) } as F;
  }, [search, defaults]);
  const change = useCallback(
    (changed: Partial<F>) => {
      void navigate({
        to: ".",
        replace: true,
        search: (before: Record<string, string | undefined>) => {
          const goesOn = "page" in changed || "cursor" in changed;
          const next = { ...before, ...changed } as Record<string, string>;
          if (!goesOn) {
            delete next.page;
            delete next.cursor;
          }
          return Object.fromEntries(
            Object.entries(next).filter(([name, value]) => value !== "" && value !== defaults[name]),
          );
        },
      });
    },
    [navigate, defaults],
  );
  return [filters, change];
}

import { useMemo, useSyncExternalStore } from "react";
import { baseUrl } from "@/api/client";
import { useMe } from "@/api/session";

/** The filters of a list under a name. `search`: the query string, in the order of its names. */
export interface View {
  name: string;
  search: string;
}

/** The views of each page, by its path. */
type Views = Readonly<Record<string, readonly View[]>>;

/** Where someone stands in a list is no filter. */
const PLACES: ReadonlySet<string> = new Set(["page", "cursor", "id", "edit"]);
const PREFIX = "elasticjob-console-views";

/** Another tab tells by an event; the tab that writes gets none, and tells itself. */
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

/** Another version, or a person, may have written what is stored. */
export function viewsIn(text: string): Views {
  try {
    const read: unknown = JSON.parse(text || "{}");
    if (typeof read !== "object" || read === null) return {};
    return Object.fromEntries(
      Object.entries(read).map(([path, views]) => [path, Array.isArray(views) ? views.filter(isView) : []]),
    );
  } catch {
    return {};
  }
}

function isView(read: unknown): read is View {
  if (typeof read !== "object" || read === null) return false;
  const { name, search } = read as Partial<View>;
  return typeof name === "string" && name !== "" && typeof search === "string";
}

/** The filters of an address, written the same way whatever their order is. */
export function filtersOf(search: Readonly<Record<string, string>>): string {
  const kept = Object.entries(search).filter(([name]) => !PLACES.has(name));
  return new URLSearchParams(kept.sort(([one], [other]) => (one < other ? -1 : 1))).toString();
}

export function searchOf({ search }: View): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Put a view into a list: where one of its name stood, else in the order of names. */
export function withView(views: readonly View[], view: View): View[] {
  const others = views.filter(({ name }) => name !== view.name);
  return [...others, view].sort((one, other) => one.name.localeCompare(other.name));
}

/** The views of a page that this user saved in this browser. `save` gives false if the browser keeps nothing. */
export function useViews(path: string): {
  views: readonly View[];
  save: (views: readonly View[]) => boolean;
} {
  const user = useMe().data?.username ?? "";
  const key = `${PREFIX} ${baseUrl().pathname} ${user}`;
  const text = useSyncExternalStore(subscribe, () => stored(key));
  const views = useMemo(() => viewsIn(text)[path] ?? [], [text, path]);
  function save(next: readonly View[]): boolean {
    try {
      localStorage.setItem(key, JSON.stringify({ ...viewsIn(stored(key)), [path]: next }));
    } catch {
      return false;
    }
    for (const listener of listeners) listener();
    return true;
  }
  return { views, save };
}

import { FilterOutlined } from "@ant-design/icons";
import { useLocation } from "@tanstack/react-router";
import { Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { filtersOf, useViews } from "./store";
import { useWords } from "./words";

const ViewsDialog = lazy(() => import("./dialog"));

/** Filters of a list under names. The address says what is shown; a view is an address to go to. */
export function SavedViews() {
  const t = useWords();
  const { pathname, search } = useLocation();
  const { views } = useViews(pathname);
  const [isOpen, setIsOpen] = useState(false);
  const filters = filtersOf(search as Record<string, string>);
  const shown = views.find((view) => view.search === filters);
  return (
    <>
      <Button icon={<FilterOutlined aria-hidden />} aria-haspopup="dialog" onClick={() => setIsOpen(true)}>
        {shown ? t("view_here", { name: shown.name }) : t("views")}
      </Button>
      <Suspense>
        {isOpen ? <ViewsDialog path={pathname} filters={filters} onClose={() => setIsOpen(false)} /> : null}
      </Suspense>
    </>
  );
}

import { Button, Select } from "antd";
import { useRead } from "@/api/live";
import { TypedInput } from "@/parts/lists/typed-input";
import { DEFAULTS, type Filters, STATES } from "./rows";
import { useWords } from "./words";

/** Search, app and state: what is typed goes into the address when the typing rests. */
export function FilterBar({
  filters,
  change,
}: {
  filters: Filters;
  change: (changed: Partial<Filters>) => void;
}) {
  const t = useWords();
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  const isFiltered = filters.search !== "" || filters.appName !== "" || filters.state !== "";
  return (
    <search className="bar">
      <TypedInput
        aria-label={t("search")}
        className="jobs-search"
        placeholder={t("search_hint")}
        value={filters.search}
        onChange={(search) => change({ search })}
      />
      <Select
        aria-label={t("app")}
        className="jobs-filter"
        showSearch
        value={filters.appName}
        onChange={(appName: string) => change({ appName })}
        options={[
          { value: "", label: t("all_apps") },
          ...(apps.data ?? []).map(({ appName }) => ({ value: appName, label: appName })),
        ]}
      />
      <Select
        aria-label={t("state")}
        className="jobs-filter"
        value={filters.state}
        onChange={(state: string) => change({ state })}
        options={[
          { value: "", label: t("all_states") },
          ...STATES.map((state) => ({ value: state, label: t(state) })),
        ]}
      />
      {isFiltered ? (
        <Button
          onClick={() =>
            change({ search: DEFAULTS.search, appName: DEFAULTS.appName, state: DEFAULTS.state })
          }
        >
          {t("clear_filters")}
        </Button>
      ) : null}
    </search>
  );
}

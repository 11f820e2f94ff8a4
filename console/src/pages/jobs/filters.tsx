import { Button, Input, Select } from "antd";
import { useEffect, useState } from "react";
import { useRead } from "@/api/live";
import { useSettled } from "@/parts/cron/fires";
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
      <SearchField value={filters.search} onSettled={(search) => change({ search })} />
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

function SearchField({ value, onSettled }: { value: string; onSettled: (value: string) => void }) {
  const t = useWords();
  const [text, setText] = useState(value);
  const settled = useSettled(text);
  // The address may change by other means: a link, the way back, "Clear filters".
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the typing has come to rest
  useEffect(() => {
    if (settled !== value && settled === text) onSettled(settled);
  }, [settled]);
  return (
    <Input
      aria-label={t("search")}
      className="jobs-search"
      placeholder={t("search_hint")}
      allowClear
      value={text}
      onChange={({ target }) => setText(target.value)}
      onPressEnter={() => onSettled(text)}
    />
  );
}

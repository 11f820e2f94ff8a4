import { AutoComplete, Button, Select } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { useRead } from "@/api/live";
import { TypedInput } from "@/parts/lists/typed-input";
import { RangeFilter } from "@/parts/range/range";
import { RUN_SOURCES, RUN_STATES } from "@/parts/runs/types";
import { Source, State } from "@/parts/states";
import { DEFAULTS, type RunFilters } from "./query";
import { useWords } from "./words";

const TYPING_MS = 300;
const SUGGESTIONS = 20;

/** What the runs are filtered by. Each is in the address. */
export function Filters({
  filters,
  onChange,
}: {
  filters: RunFilters;
  onChange: (changed: Partial<RunFilters>) => void;
}) {
  const t = useWords();
  const isDefault = Object.entries(DEFAULTS).every(
    ([name, value]) => name === "cursor" || filters[name as keyof RunFilters] === value,
  );
  return (
    <search className="bar" aria-label={t("filters")}>
      <Field label={t("job")} id="runs-job">
        <JobField value={filters.jobName} onChange={(jobName) => onChange({ jobName })} />
      </Field>
      <Field label={t("app")} id="runs-app">
        <TypedInput
          id="runs-app"
          className="runs-text"
          value={filters.appName}
          placeholder={t("any_app")}
          onChange={(appName) => onChange({ appName })}
        />
      </Field>
      <Field label={t("state")} id="runs-state">
        <Select
          id="runs-state"
          className="runs-select"
          value={filters.state}
          onChange={(state) => onChange({ state })}
          options={[
            { value: "", label: t("any_state") },
            ...RUN_STATES.map((state) => ({ value: state, label: <State state={state} /> })),
          ]}
        />
      </Field>
      <Field label={t("source")} id="runs-source">
        <Select
          id="runs-source"
          className="runs-select"
          value={filters.source}
          onChange={(source) => onChange({ source })}
          options={[
            { value: "", label: t("any_source") },
            ...RUN_SOURCES.map((source) => ({ value: source, label: <Source source={source} /> })),
          ]}
        />
      </Field>
      <div className="bar runs-range">
        <RangeFilter range={filters} onChange={onChange} />
      </div>
      <Button disabled={isDefault} onClick={() => onChange(DEFAULTS)} className="runs-reset">
        {t("reset")}
      </Button>
    </search>
  );
}

function Field({ label, id, children }: { label: string; id: string; children: ReactNode }) {
  return (
    <div className="runs-field">
      <label htmlFor={id} className="calm">
        {label}
      </label>
      {children}
    </div>
  );
}

function JobField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useWords();
  const [typed, setTyped] = useState(value);
  const [search, setSearch] = useState("");
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    const timer = window.setTimeout(() => setSearch(typed.trim()), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  const found = useRead("/api/job/jobs", {
    query: { search, page: 1, per_page: SUGGESTIONS },
    topics: [],
    enabled: search !== "" && search !== value,
  });
  const rows = found.data !== undefined && "rows" in found.data ? found.data.rows : [];
  return (
    <AutoComplete
      id="runs-job"
      className="runs-text"
      allowClear
      value={typed}
      placeholder={t("any_job")}
      options={search === "" ? [] : rows.map(({ jobName }) => ({ value: jobName }))}
      onChange={(text?: string) => {
        setTyped(text ?? "");
        if (!text) onChange("");
      }}
      onSelect={(name) => onChange(name ?? "")}
      onBlur={() => onChange(typed.trim())}
      onInputKeyDown={(event) => {
        if (event.key === "Enter") onChange(typed.trim());
      }}
    />
  );
}

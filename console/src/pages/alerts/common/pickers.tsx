import { AutoComplete, Select } from "antd";
import { useEffect, useState } from "react";
import { useRead } from "@/api/live";
import { ALERT_CONDITIONS } from "./conditions";
import { useCommonWords } from "./words";

const TYPING_MS = 300;
const SUGGESTIONS = 20;

interface PickerProps {
  id: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  disabled?: boolean;
}

/** A job's whole name. What is typed so far is looked for by the server. */
export function JobPicker(props: PickerProps) {
  const t = useCommonWords();
  const [search, setSearch] = useState("");
  const found = useRead("/api/job/jobs", {
    query: { search, page: 1, per_page: SUGGESTIONS },
    topics: [],
    enabled: search !== "",
  });
  const rows = found.data !== undefined && "rows" in found.data ? found.data.rows : [];
  return (
    <NamePicker
      placeholder={t("any_job")}
      {...props}
      names={search === "" ? [] : rows.map(({ jobName }) => jobName)}
      onSearch={setSearch}
    />
  );
}

export function AppPicker(props: PickerProps) {
  const t = useCommonWords();
  const [search, setSearch] = useState("");
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  const names = (apps.data ?? []).map(({ appName }) => appName).filter((name) => name.includes(search));
  return (
    <NamePicker
      placeholder={t("any_app")}
      {...props}
      names={names.slice(0, SUGGESTIONS)}
      onSearch={setSearch}
    />
  );
}

/** What is typed counts when it is chosen, at Enter, or when the field is left. */
function NamePicker({
  id,
  value,
  onChange,
  placeholder = "",
  disabled = false,
  names,
  onSearch,
}: PickerProps & { names: readonly string[]; onSearch: (search: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    const timer = window.setTimeout(() => onSearch(typed.trim()), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed, onSearch]);
  function take(text: string): void {
    if (text.trim() !== value) onChange(text.trim());
  }
  return (
    <AutoComplete
      id={id}
      className="alerts-name"
      allowClear
      disabled={disabled}
      value={typed}
      placeholder={placeholder}
      options={names.map((name) => ({ value: name }))}
      onChange={(text?: string) => {
        setTyped(text ?? "");
        if (!text) take("");
      }}
      onSelect={(name) => take(String(name))}
      onBlur={() => take(typed)}
      onInputKeyDown={(event) => {
        if (event.key === "Enter") take(typed);
      }}
    />
  );
}

export function ConditionPicker({ id, value, onChange }: PickerProps) {
  const t = useCommonWords();
  return (
    <Select
      id={id}
      className="alerts-choice"
      value={value}
      onChange={onChange}
      options={[
        { value: "", label: t("any_condition") },
        ...ALERT_CONDITIONS.map((condition) => ({ value: condition as string, label: t(condition) })),
      ]}
    />
  );
}

/** The names of the channels that there are. */
export function useChannelNames(): readonly string[] {
  const channels = useRead("/api/alert/channels", { topics: ["alerts"] });
  return (channels.data ?? []).map(({ name }) => name);
}

import { AutoComplete, Input, Select } from "antd";
import { useEffect, useState } from "react";
import { useRead } from "@/api/live";

const PAUSE_MS = 350;

/** A text filter that counts when typing pauses. */
export function TextFilter({
  name,
  value,
  onChange,
}: {
  name: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useTyped(value, onChange);
  return (
    <Input
      className="history-text"
      aria-label={name}
      placeholder={name}
      allowClear
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

/** A job's whole name, with suggestions of the server. */
export function JobFilter({
  name,
  value,
  onChange,
}: {
  name: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useTyped(value, onChange);
  const [isOpen, setIsOpen] = useState(false);
  const jobs = useRead("/api/job/jobs", {
    query: { search: value, page: 1, per_page: 10 },
    topics: [],
    enabled: isOpen,
  });
  const rows = jobs.data && "rows" in jobs.data ? jobs.data.rows : [];
  return (
    <AutoComplete
      className="history-text"
      aria-label={name}
      placeholder={name}
      allowClear
      value={typed}
      onOpenChange={setIsOpen}
      onChange={(text: string | undefined) => setTyped(text ?? "")}
      options={rows.map((job) => ({ value: job.jobName }))}
    />
  );
}

function useTyped(value: string, onChange: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  const [from, setFrom] = useState(value);
  if (from !== value) {
    // The filter was changed elsewhere: cleared, or by a link.
    setFrom(value);
    setTyped(value);
  }
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = window.setTimeout(() => onChange(typed.trim()), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, value, onChange]);
  return [typed, setTyped] as const;
}

export function ChoiceFilter({
  name,
  any,
  value,
  choices,
  onChange,
}: {
  name: string;
  any: string;
  value: string;
  choices: readonly [string, string][];
  onChange: (value: string) => void;
}) {
  return (
    <Select
      className="history-choice"
      aria-label={name}
      value={value}
      onChange={onChange}
      options={[{ value: "", label: any }, ...choices.map(([choice, label]) => ({ value: choice, label }))]}
    />
  );
}

import { AutoComplete, Select } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { useTyped } from "@/parts/lists/typed";
import { TypedInput } from "@/parts/lists/typed-input";

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
  return (
    <TypedInput
      className="history-text"
      aria-label={name}
      placeholder={name}
      value={value}
      onChange={onChange}
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

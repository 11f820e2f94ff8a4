import { InputNumber, Select } from "antd";
import { useState } from "react";
import { UNITS, unitOf } from "./length";
import { useWords } from "./words";

/** A length of time in a unit of one's choice; its value is in seconds. */
export function DurationInput({
  label,
  value,
  usual,
  onChange,
}: {
  label: string;
  value: number | undefined;
  /** What holds where nothing is written. */
  usual: number | null;
  onChange: (seconds: number | undefined) => void;
}) {
  const t = useWords();
  const [unit, setUnit] = useState(() => unitOf(value ?? usual));
  return (
    <span className="nowrap">
      <InputNumber
        controls={false}
        size="small"
        className="alerts-threshold"
        aria-label={label}
        value={value === undefined ? null : value / unit}
        {...(usual === null ? {} : { placeholder: String(usual / unit) })}
        onChange={(typed) => onChange(typed === null ? undefined : typed * unit)}
      />
      <Select
        size="small"
        className="alerts-unit"
        aria-label={t("unit_of", { name: label })}
        value={unit}
        onChange={(next: number) => {
          setUnit(next);
          if (value !== undefined) onChange((value / unit) * next);
        }}
        options={UNITS.map(([name, size]) => ({ value: size, label: t(name) }))}
      />
    </span>
  );
}

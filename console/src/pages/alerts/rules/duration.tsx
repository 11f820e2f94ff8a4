import { InputNumber, Select } from "antd";
import { useState } from "react";
import { useWords } from "./words";

const UNITS: readonly [unit: "s" | "min" | "h" | "d", seconds: number][] = [
  ["s", 1],
  ["min", 60],
  ["h", 3600],
  ["d", 86_400],
];

/** The largest unit in which it is a whole number. */
function unitOf(seconds: number | null | undefined): number {
  const fits = UNITS.filter(([, size]) => seconds && seconds % size === 0);
  return fits.at(-1)?.[1] ?? 1;
}

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

import { Input, Select } from "antd";
import { useId, useMemo } from "react";
import "./range.css";
import { useZone } from "../time/time";
import { epochOfWall, wallTime } from "../time/zones";
import { useWords } from "./words";

const HOUR = 3_600_000;
const LENGTHS: Record<string, number> = {
  "1h": HOUR,
  "6h": 6 * HOUR,
  "24h": 24 * HOUR,
  "7d": 168 * HOUR,
  "30d": 720 * HOUR,
};

/**
 * The part of a page's filters that bounds a time: `since` is a length, `all` or `between`. `from` and `to` are moments
 * in UTC, so that a link means the same to all who open it.
 */
export const RANGE_DEFAULTS = { since: "24h", from: "", to: "" };

export type Range = typeof RANGE_DEFAULTS;

/** The bounds as the API takes them. They stay as they are until the filters change: a page keeps its rows. */
export function useBounds({ since, from, to }: Range): { startTime?: string; endTime?: string } {
  return useMemo(() => {
    if (since === "between") return { ...(from ? { startTime: from } : {}), ...(to ? { endTime: to } : {}) };
    const length = LENGTHS[since];
    return length === undefined ? {} : { startTime: new Date(Date.now() - length).toISOString() };
  }, [since, from, to]);
}

export function RangeFilter({
  range,
  onChange,
  offersAll = true,
}: {
  range: Range;
  onChange: (changed: Partial<Range>) => void;
  offersAll?: boolean;
}) {
  const t = useWords();
  const zone = useZone();
  const choices = [...Object.keys(LENGTHS), ...(offersAll ? ["all"] : []), "between"];

  function choose(since: string): void {
    const length = LENGTHS[range.since] ?? 24 * HOUR;
    const from = since === "between" ? new Date(Date.now() - length).toISOString() : "";
    onChange({ since, from, to: "" });
  }

  return (
    <>
      <Select
        aria-label={t("range")}
        className="range-choice"
        value={choices.includes(range.since) ? range.since : "24h"}
        onChange={choose}
        options={choices.map((value) => ({ value, label: t(`since_${value}` as "since_1h") }))}
      />
      {range.since === "between" ? (
        <>
          <Moment name={t("from")} value={range.from} zone={zone} onChange={(from) => onChange({ from })} />
          <Moment name={t("to")} value={range.to} zone={zone} onChange={(to) => onChange({ to })} />
          <span className="calm nowrap">{zone}</span>
        </>
      ) : null}
    </>
  );
}

function Moment({
  name,
  value,
  zone,
  onChange,
}: {
  name: string;
  value: string;
  zone: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  const epoch = Date.parse(value);
  const shown = Number.isNaN(epoch) ? "" : wallTime(epoch, zone);

  function commit(wall: string): void {
    const moment = wall ? epochOfWall(wall, zone) : null;
    const next = moment === null ? "" : new Date(moment).toISOString();
    if (next !== value) onChange(next);
  }

  return (
    <span className="range-moment">
      <label htmlFor={id}>{name}</label>
      {/* Typed in full before it counts: a year half typed is no time to ask for. */}
      <Input
        id={id}
        key={`${shown} ${zone}`}
        type="datetime-local"
        step={1}
        defaultValue={shown}
        onBlur={(event) => commit(event.target.value)}
        onPressEnter={(event) => commit(event.currentTarget.value)}
      />
    </span>
  );
}

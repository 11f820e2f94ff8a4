import { Button, Segmented, Select } from "antd";
import { InstantInput } from "@/parts/time/instant";
import { Filter } from "../common/field";
import { AppPicker, ConditionPicker, JobPicker } from "../common/pickers";
import { useCommonWords } from "../common/words";
import { EVENT_DEFAULTS, type EventFilters, RANGES } from "./query";
import { useWords } from "./words";

export function EventFilterBar({
  filters,
  onChange,
}: {
  filters: EventFilters;
  onChange: (changed: Partial<EventFilters>) => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const { state, condition, jobName, appName, range, from, to } = filters;
  const isNarrowed = `${condition}${jobName}${appName}` !== "" || range !== EVENT_DEFAULTS.range;
  return (
    <search className="bar" aria-label={t("filters")}>
      <Segmented
        className="alerts-bar-end"
        aria-label={common("state")}
        value={state}
        onChange={(chosen: string) => onChange({ state: chosen })}
        options={[
          { value: "OPEN", label: t("open") },
          { value: "RESOLVED", label: t("resolved") },
          { value: "ALL", label: t("all") },
        ]}
      />
      <Filter id="alerts-condition" label={common("condition")}>
        <ConditionPicker
          id="alerts-condition"
          value={condition}
          onChange={(next) => onChange({ condition: next })}
        />
      </Filter>
      <Filter id="alerts-job" label={common("job")}>
        <JobPicker id="alerts-job" value={jobName} onChange={(next) => onChange({ jobName: next })} />
      </Filter>
      <Filter id="alerts-app" label={common("app")}>
        <AppPicker id="alerts-app" value={appName} onChange={(next) => onChange({ appName: next })} />
      </Filter>
      <Filter id="alerts-range" label={t("fired")}>
        <Select
          id="alerts-range"
          className="alerts-choice"
          value={range}
          onChange={(next: string) =>
            onChange(next === "own" ? { range: next } : { range: next, from: "", to: "" })
          }
          options={[
            { value: "all", label: t("all_time") },
            ...Object.keys(RANGES).map((each) => ({ value: each, label: t(`last_${each}` as "last_1h") })),
            { value: "own", label: t("own_range") },
          ]}
        />
      </Filter>
      {range === "own" ? (
        <>
          <Filter id="alerts-from" label={t("from")}>
            <InstantInput id="alerts-from" value={from} onChange={(next) => onChange({ from: next })} />
          </Filter>
          <Filter id="alerts-to" label={t("to")}>
            <InstantInput id="alerts-to" value={to} onChange={(next) => onChange({ to: next })} />
          </Filter>
        </>
      ) : null}
      {isNarrowed ? (
        <Button className="alerts-bar-end" onClick={() => onChange({ ...EVENT_DEFAULTS, state })}>
          {t("clear")}
        </Button>
      ) : null}
    </search>
  );
}

import { Alert, AutoComplete, Input, Select } from "antd";
import { useMe } from "@/api/session";
import { useLanguage } from "@/app/preferences";
import { useCronWords } from "@/parts/cron/describe";
import { type TouchedChange, useFires, useSettled, useTouchedChanges } from "@/parts/cron/fires";
import { clockReading, zonedTime, zoneNames } from "@/parts/cron/zones";
import { useEditing } from "../editing";
import { Field } from "../field";
import { problemsOf } from "../problems";
import { useWords, type Word } from "../words";

const PRESETS: readonly [string, Word][] = [
  ["0/30 * * * * ?", "each_30_seconds"],
  ["0 * * * * ?", "each_minute"],
  ["0 0/5 * * * ?", "each_5_minutes"],
  ["0 0 * * * ?", "each_hour"],
  ["0 0 9-17 ? * MON-FRI", "each_working_hour"],
  ["0 0 3 * * ?", "each_night"],
  ["0 0 9 ? * MON-FRI", "each_working_day"],
  ["0 0 6 ? * MON", "each_monday"],
  ["0 0 6 1 * ?", "each_month"],
  ["0 30 6 LW * ?", "last_working_day"],
];

/** When the job fires: in words, its next times in its zone, and where a change of the clock comes in between. */
export function Schedule() {
  const t = useWords();
  const { job, set, problemOf } = useEditing();
  const scheduler = useMe().data?.schedulerZone ?? "UTC";
  const cron = useSettled(job.cron.trim());
  const zone = useSettled(job.timeZone.trim());
  const fires = useFires(cron, zone);
  const refused = fires.error ? problemsOf(fires.error, true) : null;
  const isSettled = cron === job.cron.trim() && zone === job.timeZone.trim();
  const cronProblem = (isSettled ? refused?.fields.cron : "") || problemOf("cron");
  const zoneProblem = (isSettled ? refused?.fields.timeZone : "") || problemOf("timeZone");
  const others = isSettled ? (refused?.others ?? []) : [];
  const words = useCronWords()(job.cron);
  const names = zoneNames();
  return (
    <section className="panel">
      <h2>{t("schedule")}</h2>
      <div className="job-form-row">
        <Field
          id="cron"
          label={t("cron")}
          problem={cronProblem}
          hint={
            job.cron
              ? cronProblem
                ? ""
                : words
              : t(job.jobExecutionType === "DAEMON" ? "no_cron_daemon" : "no_cron")
          }
        >
          <Input
            id="cron"
            className="mono"
            placeholder="0 0/5 * * * ?"
            spellCheck={false}
            autoComplete="off"
            allowClear
            value={job.cron}
            onChange={({ target }) => set({ cron: target.value })}
          />
        </Field>
        <Field id="preset" label={t("preset")}>
          <Select
            id="preset"
            placeholder={t("choose")}
            value={null}
            onChange={(chosen: string | null) => chosen && set({ cron: chosen })}
            options={PRESETS.map(([value, word]) => ({ value, label: t(word) }))}
          />
        </Field>
        <Field
          id="timeZone"
          label={t("time_zone")}
          problem={zoneProblem}
          hint={t("zone_hint", { zone: scheduler })}
        >
          <AutoComplete
            id="timeZone"
            placeholder={scheduler}
            allowClear
            value={job.timeZone}
            onChange={(timeZone: string | undefined) => set({ timeZone: timeZone ?? "" })}
            showSearch={{
              filterOption: (typed, option) =>
                String(option?.value ?? "")
                  .toLowerCase()
                  .includes(typed.toLowerCase().replaceAll(" ", "_")),
            }}
            options={names.map((name) => ({ value: name }))}
          />
        </Field>
      </div>
      {others.length > 0 ? <Alert type="warning" showIcon title={others.join(" ")} /> : null}
      {cron && fires.data && !fires.error ? (
        <NextFires
          fires={fires.data.fires}
          weekdays={fires.data.weekdays ?? ""}
          cron={cron}
          zone={zone || scheduler}
        />
      ) : null}
    </section>
  );
}

function NextFires({
  fires,
  weekdays,
  cron,
  zone,
}: {
  fires: readonly string[];
  weekdays: string;
  cron: string;
  zone: string;
}) {
  const t = useWords();
  const language = useLanguage();
  const changes = useTouchedChanges(cron, zone);
  return (
    <>
      {weekdays ? <Alert className="block" type="info" showIcon title={t("weekdays", { weekdays })} /> : null}
      {changes.map((change) => (
        <ClockWarning key={change.at} change={change} zone={zone} />
      ))}
      <h3 className="job-form-small">{t("next_fires", { zone })}</h3>
      <ol className="job-form-fires" data-testid="fires">
        {fires.map((fire) => (
          <li key={fire}>
            <time dateTime={fire}>{zonedTime(Date.parse(fire), zone, language)}</time>
          </li>
        ))}
      </ol>
      {fires.length < 10 ? <p className="calm">{t("no_more_fires")}</p> : null}
    </>
  );
}

function ClockWarning({ change, zone }: { change: TouchedChange; zone: string }) {
  const t = useWords();
  const values = {
    zone,
    day: clockReading(change.reading).slice(0, 10),
    time: clockReading(change.reading).slice(11),
    from: clockReading(change.at + change.before).slice(11, 16),
    to: clockReading(change.at + change.after).slice(11, 16),
  };
  return (
    <Alert
      className="block"
      type="warning"
      showIcon
      title={change.skipped ? t("clock_skips", values) : t("clock_repeats", values)}
      description={change.skipped ? t("clock_skips_hint", values) : t("clock_repeats_hint", values)}
    />
  );
}

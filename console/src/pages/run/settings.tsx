import { type SettingName, SettingsDifferences, SettingsTable } from "@/parts/runs/settings";
import type { JobConfiguration, RunConfiguration } from "@/parts/runs/types";
import { useWords } from "./words";

const PARAMETERS: readonly SettingName[] = [
  "jobParameter",
  "shardingItemParameters",
  "shardingTotalCount",
  "props",
];

/** The parameters and settings of this run, and what is different in the job by now. */
export function RanWith({
  settings,
  job,
}: {
  settings: RunConfiguration | null;
  job: JobConfiguration | undefined;
}) {
  const t = useWords();
  return (
    <section className="panel" aria-labelledby="run-settings">
      <h2 id="run-settings">{t("settings")}</h2>
      {settings === null ? (
        <p>{t("settings_unknown")}</p>
      ) : (
        <>
          <SettingsTable settings={settings} only={PARAMETERS} />
          {job ? (
            <SettingsDifferences
              one={settings}
              other={job}
              names={[t("in_run"), t("now")]}
              same={t("same")}
              different={t("differs")}
            />
          ) : null}
          <details>
            <summary>{t("all_settings")}</summary>
            <SettingsTable settings={settings} />
          </details>
        </>
      )}
    </section>
  );
}

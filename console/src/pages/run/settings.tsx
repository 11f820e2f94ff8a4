import {
  differences,
  Setting,
  type SettingName,
  SettingsTable,
  useSettingWords,
} from "@/parts/runs/settings";
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
          {job ? <Differences settings={settings} job={job} /> : null}
          <details>
            <summary>{t("all_settings")}</summary>
            <SettingsTable settings={settings} />
          </details>
        </>
      )}
    </section>
  );
}

function Differences({ settings, job }: { settings: RunConfiguration; job: JobConfiguration }) {
  const t = useWords();
  const label = useSettingWords();
  const names = differences(settings, job);
  if (names.length === 0) return <p className="calm">{t("same")}</p>;
  return (
    <>
      <p className="warn">{t("differs")}</p>
      <table className="runs-settings">
        <thead>
          <tr>
            <th scope="col">{t("setting")}</th>
            <th scope="col">{t("in_run")}</th>
            <th scope="col">{t("now")}</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{label(name)}</th>
              <td>
                <Setting name={name} settings={settings} />
              </td>
              <td>
                <Setting name={name} settings={job} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

import type { ReactNode } from "react";
import { useMe } from "@/api/session";
import { useCronWords } from "../cron/describe";
import { AppLink } from "../links";
import { Enabled } from "../states";
import { useShownLength } from "../time/time";
import "./runs.css";
import { type JobConfiguration, parametersOf, type RunConfiguration } from "./types";
import { useWords } from "./words";

type Settings = Partial<JobConfiguration> & RunConfiguration;
type Word = Parameters<ReturnType<typeof useWords>>[0];

const ORDER = [
  "appName",
  "jobExecutionType",
  "cron",
  "timeZone",
  "shardingTotalCount",
  "shardingItemParameters",
  "jobParameter",
  "cpuCount",
  "memoryMB",
  "failover",
  "misfire",
  "timeoutSeconds",
  "jobExecutorServiceHandlerType",
  "jobErrorHandlerType",
  "description",
  "props",
  "disabled",
  "alerts",
] as const;

export type SettingName = (typeof ORDER)[number];

const PARAMETERS_SHOWN = 20;

/** Which settings differ, by value. Those that only one of the two has are left out. */
export function differences(one: Settings, other: Settings): SettingName[] {
  return ORDER.filter((name) => name in one && name in other && textOf(one[name]) !== textOf(other[name]));
}

function textOf(value: unknown): string {
  if (value !== null && typeof value === "object") {
    return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return String(value);
}

export function useSettingWords(): (name: SettingName) => string {
  const t = useWords();
  return (name) => t(`s_${name}` as Word);
}

/** All settings, in words. `only`: these; `marked`: those that differ from something, with what says so. */
export function SettingsTable({
  settings,
  only,
  caption,
}: {
  settings: Settings;
  only?: readonly SettingName[];
  caption?: string;
}) {
  const t = useWords();
  const label = useSettingWords();
  const names = ORDER.filter((name) => name in settings && (only === undefined || only.includes(name)));
  return (
    <table className="runs-settings">
      {caption ? <caption>{caption}</caption> : null}
      <thead className="runs-hidden">
        <tr>
          <th scope="col">{t("settings")}</th>
          <th scope="col">{t("value")}</th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row">{label(name)}</th>
            <td>
              <Setting name={name} settings={settings} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** One setting in words. */
export function Setting({ name, settings }: { name: SettingName; settings: Settings }): ReactNode {
  const t = useWords();
  const length = useShownLength();
  const zone = useMe().data?.schedulerZone ?? "";
  switch (name) {
    case "appName":
      return <AppLink name={settings.appName} />;
    case "jobExecutionType":
      return t(settings.jobExecutionType === "DAEMON" ? "daemon" : "transient");
    case "cron":
      return <Cron cron={settings.cron} />;
    case "timeZone":
      return settings.timeZone || t("scheduler_zone", { zone });
    case "shardingItemParameters":
      return <Parameters text={settings.shardingItemParameters} />;
    case "memoryMB":
      return t("mb", { n: settings.memoryMB });
    case "failover":
      if (settings.jobExecutionType === "DAEMON") return t("failover_daemon");
      return t(settings.failover ? "failover_on" : "failover_off");
    case "misfire":
      if (settings.jobExecutionType === "DAEMON") return t("misfire_daemon");
      return t(settings.misfire ? "misfire_on" : "misfire_off");
    case "timeoutSeconds":
      return settings.timeoutSeconds === 0 ? t("no_limit") : length(settings.timeoutSeconds * 1000);
    case "jobExecutorServiceHandlerType":
      return t(`e_${settings.jobExecutorServiceHandlerType}` as Word);
    case "jobErrorHandlerType":
      return t(`h_${settings.jobErrorHandlerType}` as Word);
    case "props":
      return <Props props={settings.props} />;
    case "disabled":
      return <Enabled isEnabled={settings.disabled !== true} />;
    case "alerts":
      return <code className="mono runs-whole">{JSON.stringify(settings.alerts)}</code>;
    default:
      return <Text text={String(settings[name] ?? "")} />;
  }
}

function Text({ text }: { text: string }) {
  const t = useWords();
  return text === "" ? <span className="calm">{t("none")}</span> : <span className="runs-whole">{text}</span>;
}

function Cron({ cron }: { cron: string }) {
  const t = useWords();
  const words = useCronWords()(cron);
  if (cron === "") return t("no_cron");
  return (
    <>
      <code className="mono">{cron}</code>
      {words ? <span className="calm"> · {words}</span> : null}
    </>
  );
}

function Parameters({ text }: { text: string }) {
  const t = useWords();
  const all = [...parametersOf(text)];
  if (all.length === 0) return <Text text="" />;
  return (
    <ul className="runs-list">
      {all.slice(0, PARAMETERS_SHOWN).map(([item, parameter]) => (
        <li key={item}>
          <span className="calm">{item}</span> {parameter}
        </li>
      ))}
      {all.length > PARAMETERS_SHOWN ? (
        <li className="calm">{t("more_parameters", { count: all.length - PARAMETERS_SHOWN })}</li>
      ) : null}
    </ul>
  );
}

function Props({ props }: { props: Record<string, string> }) {
  const all = Object.entries(props);
  if (all.length === 0) return <Text text="" />;
  return (
    <ul className="runs-list">
      {all.map(([name, value]) => (
        <li key={name}>
          <code className="mono">{name}</code> <span className="mono runs-whole">{value}</span>
        </li>
      ))}
    </ul>
  );
}

/** The settings that differ between two, side by side. */
export function SettingsDifferences({
  one,
  other,
  names,
  same,
  different,
}: {
  one: Settings;
  other: Settings;
  names: readonly [string, string];
  /** Said when nothing differs. */
  same: string;
  /** Said above what does. */
  different?: string;
}) {
  const t = useWords();
  const label = useSettingWords();
  const differing = differences(one, other);
  if (differing.length === 0) return <p className="calm">{same}</p>;
  return (
    <>
      {different ? <p className="warn">{different}</p> : null}
      <table className="runs-settings">
        <thead>
          <tr>
            <th scope="col">{t("settings")}</th>
            <th scope="col">{names[0]}</th>
            <th scope="col">{names[1]}</th>
          </tr>
        </thead>
        <tbody>
          {differing.map((name) => (
            <tr key={name}>
              <th scope="row">{label(name)}</th>
              <td>
                <Setting name={name} settings={one} />
              </td>
              <td>
                <Setting name={name} settings={other} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

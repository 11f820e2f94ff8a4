import { Tooltip } from "antd";
import { useMe } from "@/api/session";
import { useLanguage, usePreferences } from "@/app/preferences";
import { useWords } from "../words";
import { useNow } from "./clock";
import { clockOf } from "./zones";

/** A time as the API gives it: ISO 8601, or epoch milliseconds. */
export type Moment = string | number | null | undefined;

export function epochOf(moment: Moment): number | null {
  if (moment === null || moment === undefined || moment === "" || moment === 0) return null;
  const epoch = typeof moment === "number" ? moment : Date.parse(moment);
  return Number.isNaN(epoch) ? null : epoch;
}

/** The IANA name of the zone that times are shown in. */
export function useZone(): string {
  const { zone } = usePreferences();
  const scheduler = useMe().data?.schedulerZone;
  if (zone === "utc") return "UTC";
  if (zone === "scheduler" && scheduler) return scheduler;
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Show a moment as `2026-11-30 22:05:01 UTC`: the zone stands with every time. */
export function shownTime(epoch: number, zone: string, language: string): string {
  const { day, time, zoneName } = clockOf(epoch, zone, language === "zh" ? "zh-CN" : "en-GB");
  return `${day} ${time} ${zoneName}`;
}

export function useShownTime(): (moment: Moment) => string {
  const zone = useZone();
  const language = useLanguage();
  return (moment) => {
    const epoch = epochOf(moment);
    return epoch === null ? "" : shownTime(epoch, zone, language);
  };
}

/** Words for a length of time: `350 ms`, `12 s`, `3 min`, `4.5 h`, `2 d`. */
export function useShownLength(): (ms: number) => string {
  const t = useWords();
  return (ms) => {
    if (ms < 1000) return t("ms", { n: Math.max(0, Math.round(ms)) });
    if (ms < 60_000) return t("seconds", { n: rounded(ms / 1000) });
    if (ms < 3_600_000) return t("minutes", { n: rounded(ms / 60_000) });
    if (ms < 86_400_000) return t("hours", { n: rounded(ms / 3_600_000) });
    return t("days", { n: rounded(ms / 86_400_000) });
  };
}

function rounded(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}

/** How long ago, or until when: renewed each second. */
export function useRelative(): (moment: Moment) => string {
  const t = useWords();
  const shown = useShownLength();
  const now = useNow();
  return (moment) => {
    const epoch = epochOf(moment);
    if (epoch === null) return "";
    const away = epoch - now;
    if (Math.abs(away) < 1000) return t("now");
    const time = shown(Math.floor(Math.abs(away) / 1000) * 1000);
    return away < 0 ? t("ago", { time }) : t("ahead", { time });
  };
}

/** A moment with its zone; how long ago it was is in the tooltip. `relative` turns the two around. */
export function When({ at, relative = false }: { at: Moment; relative?: boolean }) {
  const shown = useShownTime()(at);
  const away = useRelative()(at);
  if (!shown) return <span aria-hidden="true">–</span>;
  const epoch = epochOf(at) ?? 0;
  return (
    <Tooltip title={relative ? shown : away}>
      <time dateTime={new Date(epoch).toISOString()} className="nowrap">
        {relative ? away : shown}
      </time>
    </Tooltip>
  );
}

/** From start to end, or to now while it goes on. */
export function Lasted({ start, end }: { start: Moment; end: Moment }) {
  const shown = useShownLength();
  const now = useNow();
  const from = epochOf(start);
  if (from === null) return <span aria-hidden="true">–</span>;
  const to = epochOf(end);
  return (
    <span className="nowrap">
      {shown(to === null ? Math.max(0, Math.floor((now - from) / 1000) * 1000) : to - from)}
    </span>
  );
}

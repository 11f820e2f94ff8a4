import { shownTime } from "../time/time";

/** Names of time zones that this browser knows. The server may know more. */
export function zoneNames(): string[] {
  const names = new Set(Intl.supportedValuesOf("timeZone"));
  names.add("UTC");
  return [...names].sort();
}

export function isKnownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of a zone at an instant, as epoch milliseconds of the same reading in UTC. */
export function wallClock(epoch: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      hourCycle: "h23",
    });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(epoch).map(({ type, value }) => [type, Number(value)]));
  const of = (type: string): number => parts.get(type as Intl.DateTimeFormatPartTypes) ?? 0;
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
}

/** How far the zone's clock is ahead of UTC at an instant, in milliseconds. */
export function offsetAt(epoch: number, zone: string): number {
  const second = Math.floor(epoch / 1000) * 1000;
  return wallClock(second, zone) - second;
}

/** A change of a zone's clock at the instant `at`: from one offset to another. */
export interface ClockChange {
  at: number;
  before: number;
  after: number;
}

const DAY_MS = 86_400_000;

/** The changes of a zone's clock in the days after an instant. */
export function clockChanges(zone: string, from: number, days: number): ClockChange[] {
  const changes: ClockChange[] = [];
  let before = offsetAt(from, zone);
  for (let day = 1; day <= days; day += 1) {
    const after = offsetAt(from + day * DAY_MS, zone);
    if (after !== before) {
      changes.push({
        at: firstWith(after, zone, from + (day - 1) * DAY_MS, from + day * DAY_MS),
        before,
        after,
      });
      before = after;
    }
  }
  return changes;
}

function firstWith(offset: number, zone: string, from: number, to: number): number {
  let low = Math.floor(from / 1000);
  let high = Math.floor(to / 1000);
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * 1000, zone) === offset) high = middle;
    else low = middle;
  }
  return high * 1000;
}

/** The readings of the clock that a change skips or shows twice: from `from` to before `to`, as if in UTC. */
export function touchedReadings({ at, before, after }: ClockChange): { from: number; to: number } {
  return { from: at + Math.min(before, after), to: at + Math.max(before, after) };
}

/** A reading of a clock that was counted as if in UTC: `2027-03-28 02:30:00`. */
export function clockReading(reading: number): string {
  return new Date(reading).toISOString().slice(0, 19).replace("T", " ");
}

/** A moment in a zone, with the day of the week and the zone's short name: `Mon 2026-11-30 22:05:01 CET`. */
export function zonedTime(epoch: number, zone: string, language: string): string {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const known = isKnownZone(zone) ? zone : "UTC";
  const day = new Intl.DateTimeFormat(locale, { timeZone: known, weekday: "short" }).format(epoch);
  return `${day} ${shownTime(epoch, known, language)}`;
}

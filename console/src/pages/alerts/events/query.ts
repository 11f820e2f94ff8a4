import type { Query } from "@/api/client";

export const EVENT_DEFAULTS = {
  state: "OPEN",
  condition: "",
  jobName: "",
  appName: "",
  range: "all",
  from: "",
  to: "",
  cursor: "",
  id: "",
};
export type EventFilters = typeof EVENT_DEFAULTS;

const HOUR_MS = 3_600_000;
export const RANGES: Readonly<Record<string, number>> = {
  "1h": HOUR_MS,
  "24h": 24 * HOUR_MS,
  "7d": 7 * 24 * HOUR_MS,
  "30d": 30 * 24 * HOUR_MS,
};
const ROWS = 50;

/** What to ask the server for. ALL is the API's empty state. */
export function eventQuery(filters: EventFilters, now: number): Query<"/api/alert/events"> {
  const { state, condition, jobName, appName, range, from, to, cursor } = filters;
  const query: Query<"/api/alert/events"> = { condition, jobName, appName, cursor, limit: ROWS };
  if (state !== "ALL") query.state = state;
  const length = RANGES[range];
  if (length !== undefined) query.startTime = new Date(now - length).toISOString();
  if (range === "own") {
    if (from) query.startTime = from;
    if (to) query.endTime = to;
  }
  return query;
}

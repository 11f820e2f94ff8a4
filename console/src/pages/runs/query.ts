import type { Query } from "@/api/client";
import { EVER } from "@/parts/runs/types";

export const DEFAULTS = {
  jobName: "",
  appName: "",
  state: "",
  source: "",
  range: "24h",
  from: "",
  to: "",
  cursor: "",
};
export type RunFilters = typeof DEFAULTS;

const HOUR_MS = 3_600_000;
const LENGTHS: Record<string, number> = { "1h": HOUR_MS, "7d": 7 * 24 * HOUR_MS, "30d": 30 * 24 * HOUR_MS };
const ROWS = 50;

/** What to ask the server for. Its own default is the last 24 hours, which go on with the clock. */
export function queryOf(filters: RunFilters, now: number): Query<"/api/job/runs"> {
  const { jobName, appName, cursor } = filters;
  const query: Record<string, string | number> = { jobName, appName, cursor, limit: ROWS };
  if (filters.state) query.state = filters.state;
  if (filters.source) query.source = filters.source;
  const length = LENGTHS[filters.range];
  if (length !== undefined) query.startTime = new Date(now - length).toISOString();
  if (filters.range === "all") query.startTime = EVER;
  if (filters.range === "own") {
    query.startTime = filters.from || EVER;
    if (filters.to) query.endTime = filters.to;
  }
  return query as Query<"/api/job/runs">;
}

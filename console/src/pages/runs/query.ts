import type { Query } from "@/api/client";
import { RANGE_DEFAULTS } from "@/parts/range/range";
import { EVER } from "@/parts/runs/types";

export const DEFAULTS = { jobName: "", appName: "", state: "", source: "", ...RANGE_DEFAULTS, cursor: "" };
export type RunFilters = typeof DEFAULTS;

const ROWS = 50;

/** What to ask the server for. Its own default is the last 24 hours, which go on with the clock. */
export function queryOf(
  filters: RunFilters,
  bounds: { startTime?: string; endTime?: string },
): Query<"/api/job/runs"> {
  const { jobName, appName, state, source, since, cursor } = filters;
  const query: Record<string, string | number> = { jobName, appName, cursor, limit: ROWS };
  if (state) query.state = state;
  if (source) query.source = source;
  if (since !== RANGE_DEFAULTS.since) Object.assign(query, { startTime: EVER }, bounds);
  return query as Query<"/api/job/runs">;
}

import { type Answer, get } from "@/api/client";
import { type Topic, useRead } from "@/api/live";

type Listed = Answer<"/api/job/jobs">;
export type JobPage = Extract<Listed, { rows: unknown }>;
export type JobRow = JobPage["rows"][number];

export const PAGE_ROWS = 50;
export const EXPORT_ROWS = 100;

export const SORTS = ["jobName", "appName", "state", "lastRun", "nextFire", "runningShards"] as const;
export type Sort = (typeof SORTS)[number];

export const STATES = [
  "ENABLED",
  "DISABLED",
  "RUNNING",
  "WAITING",
  "SUCCEEDED",
  "FAILED",
  "KILLED",
  "DROPPED",
] as const;
type JobState = (typeof STATES)[number];

export const DEFAULTS = { search: "", appName: "", state: "", sort: "jobName", order: "asc", page: "1" };
export type Filters = typeof DEFAULTS;

/** What the API filters by; values of the address that it does not know are left out. */
export interface Matching {
  search?: string;
  appName?: string;
  state?: JobState;
}

export function matchingOf({ search, appName, state }: Filters): Matching {
  const matching: Matching = {};
  if (search) matching.search = search;
  if (appName) matching.appName = appName;
  const known = STATES.find((each) => each === state);
  if (known) matching.state = known;
  return matching;
}

const TOPICS: readonly Topic[] = ["jobs", "runs"];

export function useJobs(filters: Filters) {
  const read = useRead("/api/job/jobs", {
    query: {
      ...matchingOf(filters),
      page: pageOf(filters),
      per_page: PAGE_ROWS,
      sort: sortOf(filters),
      order: filters.order === "desc" ? "desc" : "asc",
    },
    topics: TOPICS,
  });
  return { ...read, data: read.data as JobPage | undefined };
}

export function pageOf({ page }: Filters): number {
  const number = Number(page);
  return Number.isInteger(number) && number > 0 ? number : 1;
}

export function sortOf({ sort }: Filters): Sort {
  return SORTS.find((each) => each === sort) ?? "jobName";
}

export async function readPage(
  matching: Matching,
  page: number,
  rows: number,
  signal?: AbortSignal,
): Promise<JobPage> {
  const query = { ...matching, page, per_page: rows, sort: "jobName" as const };
  return (await get("/api/job/jobs", { query, ...(signal ? { signal } : {}) })) as JobPage;
}

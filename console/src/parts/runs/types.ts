import type { Answer } from "@/api/client";

export type Run = Answer<"/api/job/runs">["rows"][number];
export type RunDetail = Answer<"/api/job/runs/{runId}">;
export type Shard = RunDetail["shards"][number];
export type Attempt = Shard["attempts"][number];
export type RunConfiguration = NonNullable<RunDetail["configuration"]>;
export type JobConfiguration = Answer<"/api/job/jobs/{jobName}">;
export type Execution = Answer<"/api/job/executions">["rows"][number];

export const RUN_STATES = ["WAITING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED", "DROPPED"] as const;
export const RUN_SOURCES = ["CRON", "TRIGGER", "RERUN", "MISFIRE"] as const;

/** Runs have been recorded since then: all of them, where a call would else give those of a day. */
export const EVER = "1970-01-01T00:00:00Z";

export function isLive(run: Pick<Run, "state">): boolean {
  return run.state === "WAITING" || run.state === "RUNNING";
}

/** Whether some of it can be run again because it did not succeed. */
export function hasFailures(run: Pick<Run, "state">): boolean {
  return run.state === "FAILED" || run.state === "KILLED";
}

/** Read `0=Beijing,1=Shanghai` into a parameter for each item that has one. */
export function parametersOf(text: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)\s*=([\s\S]*)$/.exec(part);
    if (match) found.set(Number(match[1]), (match[2] ?? "").trim());
  }
  return found;
}

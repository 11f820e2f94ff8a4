import type { Answer } from "@/api/client";
import { epochOf } from "../time/time";

export type TimelineAnswer = Answer<"/api/job/timeline">;
export type BarState = "RUNNING" | "SUCCEEDED" | "FAILED" | "KILLED" | "PLANNED";

/** One run, or one fire to come. */
interface Span {
  start: number;
  /** Null while it runs. */
  end: number | null;
  state: BarState;
  runId: number | null;
}

/** What is drawn: one run or fire, or several that would overlap on the screen. */
export interface Bar {
  /** In pixels from the start of the time. */
  left: number;
  right: number;
  state: BarState;
  count: number;
  /** In epoch milliseconds. */
  start: number;
  end: number;
  /** The run, where it is one alone. */
  runId: number | null;
}

export interface JobSpans {
  jobName: string;
  past: Span[];
  planned: Span[];
}

/** A sign must have room in a bar. */
const LEAST_WIDTH = 14;
/** Of runs that follow each other closely, so many pixels become one bar: a failure among them shows where it was. */
const MERGED_WIDTH = 26;

/** Of several, the state that matters most is shown. */
const WEIGHT: Record<BarState, number> = { FAILED: 4, KILLED: 3, RUNNING: 2, SUCCEEDED: 1, PLANNED: 0 };

/** Put runs and fires together by job, by name, each in the order of time. */
export function spansByJob(answer: TimelineAnswer): JobSpans[] {
  const jobs = new Map<string, JobSpans>();
  const of = (jobName: string): JobSpans => {
    let job = jobs.get(jobName);
    if (job === undefined) {
      job = { jobName, past: [], planned: [] };
      jobs.set(jobName, job);
    }
    return job;
  };
  for (const { jobName, startTime, endTime, state, runId } of answer.runs.rows) {
    of(jobName).past.push({ start: epochOf(startTime) ?? 0, end: epochOf(endTime), state, runId });
  }
  for (const { jobName, time } of answer.planned.rows) {
    const at = epochOf(time) ?? 0;
    of(jobName).planned.push({ start: at, end: at, state: "PLANNED", runId: null });
  }
  const rows = [...jobs.values()].sort((one, other) => (one.jobName < other.jobName ? -1 : 1));
  for (const row of rows) {
    row.past.sort((one, other) => one.start - other.start);
    row.planned.sort((one, other) => one.start - other.start);
  }
  return rows;
}

/** Place the bars of a job; what would overlap on the screen becomes one bar with a count. */
export function barsOf(job: JobSpans, from: number, to: number, width: number, now: number): Bar[] {
  const scale = width / (to - from);
  const present = Math.max(0, Math.min(width, (now - from) * scale));
  return [
    ...placed(job.past, from, scale, 0, Math.max(present, LEAST_WIDTH), now),
    ...placed(job.planned, from, scale, Math.min(present, width - LEAST_WIDTH), width, now),
  ];
}

/** Between two places on the screen: what has run does not reach beyond the present. */
function placed(
  spans: readonly Span[],
  from: number,
  scale: number,
  least: number,
  most: number,
  now: number,
): Bar[] {
  const bars: Bar[] = [];
  let last: Bar | undefined;
  let began = 0; // where the first of the last bar belongs
  for (const span of spans) {
    const end = span.end ?? Math.max(span.start, now);
    const left = Math.max(least, Math.min((span.start - from) * scale, most - LEAST_WIDTH));
    const right = Math.min(most, Math.max((end - from) * scale, left + LEAST_WIDTH));
    const overlaps = last !== undefined && left < last.right;
    if (last !== undefined && overlaps && (left - began < MERGED_WIDTH || last.right + LEAST_WIDTH > most)) {
      last.count += 1;
      last.right = Math.max(last.right, right);
      last.end = Math.max(last.end, end);
      last.runId = null;
      if (WEIGHT[span.state] > WEIGHT[last.state]) last.state = span.state;
    } else {
      const free = last !== undefined && overlaps ? last.right : left;
      began = left;
      last = { left: free, right: Math.max(right, free + LEAST_WIDTH), count: 1, ...span, end };
      bars.push(last);
    }
  }
  return bars;
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);

/** Where the axis has its times: whole ones of the zone, whose clocks are `offset` ahead of UTC. */
export function ticksOf(
  from: number,
  to: number,
  width: number,
  offset: number,
): { at: number; left: number }[] {
  const scale = width / (to - from);
  const step = STEPS.find((each) => each * scale >= 90) ?? 1440 * MINUTE;
  const ticks = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    ticks.push({ at, left: (at - from) * scale });
  }
  return ticks;
}

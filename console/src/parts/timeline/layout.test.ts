import { describe, expect, it } from "vitest";
import { barsOf, type JobSpans, ticksOf } from "./layout";

const HOUR = 3_600_000;

function job(...starts: number[]): JobSpans {
  return {
    jobName: "job",
    past: starts.map((start, index) => ({ start, end: start + 1000, state: "SUCCEEDED", runId: index + 1 })),
    planned: [],
  };
}

describe("barsOf", () => {
  it("keeps runs apart that have room, each with its run", () => {
    const bars = barsOf(job(0, HOUR / 2), 0, HOUR, 1000, HOUR);
    expect(bars.map((bar) => [bar.left, bar.count, bar.runId])).toEqual([
      [0, 1, 1],
      [500, 1, 2],
    ]);
  });

  it("counts runs that would overlap, and shows the worst of them", () => {
    const row = job(0, 1000, 2000);
    const second = row.past[1];
    if (second) second.state = "FAILED";
    const bars = barsOf(row, 0, HOUR, 1000, HOUR);
    expect(bars).toMatchObject([{ count: 3, state: "FAILED", runId: null, start: 0, end: 3000 }]);
  });

  it("makes no bar of a whole hour out of short runs, loses none, and lets none overlap", () => {
    const row = job(...Array.from({ length: 700 }, (_, index) => index * 5000));
    const failed = row.past[350];
    if (failed) failed.state = "FAILED";
    const bars = barsOf(row, 0, HOUR, 1000, HOUR);
    expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBe(700);
    expect(bars.filter((bar) => bar.state === "FAILED")).toHaveLength(1);
    expect(Math.max(...bars.map((bar) => bar.right - bar.left))).toBeLessThan(60);
    bars.slice(1).forEach((bar, index) => {
      expect(bar.left).toBeGreaterThanOrEqual(bars[index]?.right ?? 0);
    });
  });

  it("ends what runs at the present, and begins what is planned there", () => {
    const row: JobSpans = {
      jobName: "job",
      past: [{ start: HOUR / 4, end: null, state: "RUNNING", runId: 1 }],
      planned: [{ start: HOUR / 2 + 1, end: HOUR / 2 + 1, state: "PLANNED", runId: null }],
    };
    const [running, planned] = barsOf(row, 0, HOUR, 1000, HOUR / 2);
    expect(running).toMatchObject({ left: 250, right: 500 });
    expect(planned?.left).toBeGreaterThanOrEqual(500);
  });
});

describe("ticksOf", () => {
  it("stands at whole times of the zone", () => {
    const half = HOUR / 2;
    const ticks = ticksOf(0, 24 * HOUR, 1000, half);
    expect(ticks.length).toBeGreaterThan(4);
    for (const { at } of ticks) expect((at + half) % HOUR).toBe(0);
  });
});

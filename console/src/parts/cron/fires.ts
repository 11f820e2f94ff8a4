import { useQueries, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { type Answer, ApiError, get } from "@/api/client";
import { type ClockChange, clockChanges, isKnownZone, touchedReadings } from "./zones";

type Fires = Answer<"/api/job/cron/fires">;

/** How far ahead a change of the clock is looked for: the next one of each kind is within a year. */
const DAYS_AHEAD = 370;

/** A value that is given on when it has stayed the same for a while. */
export function useSettled<T>(value: T, delay = 300): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), delay);
    return () => window.clearTimeout(timer);
  }, [value, delay]);
  return settled;
}

async function readFires(
  cron: string,
  timeZone: string,
  start: string,
  count: number,
  signal: AbortSignal,
): Promise<Fires> {
  return get("/api/job/cron/fires", { query: { cron, timeZone, start, count }, signal });
}

/** The next fires of an expression in a zone, or what the server says is wrong with either. */
export function useFires(cron: string, timeZone: string, count = 10) {
  return useQuery<Fires, Error>({
    queryKey: ["/api/job/cron/fires", cron, timeZone, count],
    queryFn: ({ signal }) => readFires(cron, timeZone, "", count, signal),
    enabled: cron.trim() !== "",
    retry: (tries, error) => tries < 2 && error instanceof ApiError && error.status >= 500,
    gcTime: 30_000,
  });
}

/** A change of the clock that touches a schedule. `skipped`: its time does not exist; else it comes twice. */
export interface TouchedChange extends ClockChange {
  skipped: boolean;
  /** The first reading of the clock that is touched, as if in UTC. */
  reading: number;
}

/**
 * The changes of the zone's clock within a year that skip or repeat a time of the schedule.
 *
 * The expression is evaluated as if in UTC, where each reading of the clock exists exactly once.
 */
export function useTouchedChanges(cron: string, zone: string): TouchedChange[] {
  const isGood = cron.trim() !== "" && isKnownZone(zone);
  const changes = useMemo(() => (isGood ? clockChanges(zone, Date.now(), DAYS_AHEAD) : []), [isGood, zone]);
  return useQueries({
    queries: changes.map((change) => ({
      queryKey: ["clock-change", cron, change.at, change.before, change.after],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<TouchedChange | null> => {
        const { from, to } = touchedReadings(change);
        const start = new Date(from - 1000).toISOString();
        const { fires } = await readFires(cron, "UTC", start, 1, signal);
        const reading = Date.parse(fires[0] ?? "");
        if (Number.isNaN(reading) || reading >= to) return null;
        return { ...change, reading, skipped: change.after > change.before };
      },
      retry: false,
      gcTime: 30_000,
    })),
    combine: (reads) => reads.flatMap(({ data }) => (data ? [data] : [])),
  });
}

import type { Attempt, Shard } from "@/parts/runs/types";
import { epochOf } from "@/parts/time/time";

export function lastOf(shard: Shard): Attempt | undefined {
  return shard.attempts[shard.attempts.length - 1];
}

/** The shards that failed, the one that failed first before the others. */
export function failedFirst(shards: readonly Shard[]): Shard[] {
  return shards
    .filter(({ state }) => state === "FAILED")
    .sort((one, other) => endOf(one) - endOf(other) || one.item - other.item);
}

function endOf(shard: Shard): number {
  return epochOf(lastOf(shard)?.endTime) ?? Number.POSITIVE_INFINITY;
}

/** Shards that failed for the same reason, the reason of the first failure first. */
export function byReason(failed: readonly Shard[]): [string, Shard[]][] {
  const groups = new Map<string, Shard[]>();
  for (const shard of failed) {
    const reason = lastOf(shard)?.summary ?? "";
    const group = groups.get(reason);
    if (group) group.push(shard);
    else groups.set(reason, [shard]);
  }
  return [...groups];
}

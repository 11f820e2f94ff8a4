import type { Agent } from "./room";

/** What one shard takes, and the app's executor once on each agent. */
export interface Needs {
  cpus: number;
  memoryMB: number;
  shards: number;
  executor: { appName: string; cpus: number; memoryMB: number } | null;
}

export interface Fit {
  agent: Agent;
  /** So many shards have room on it now. */
  now: number;
  /** So many would, if nothing else ran on it. */
  empty: number;
}

/** How many shards each agent could take, counted in thousandths of a CPU and in KiB, as the scheduler does. */
export function fitOn(agent: Agent, needs: Needs): Fit {
  const runsExecutor = needs.executor !== null && agent.executors.includes(needs.executor.appName);
  const free = count(
    agent.cpusTotal - agent.cpusUsed,
    agent.memoryMBTotal - agent.memoryMBUsed,
    needs,
    !runsExecutor,
  );
  return {
    agent,
    now: agent.draining === "" ? free : 0,
    empty: agent.draining === "" ? count(agent.cpusTotal, agent.memoryMBTotal, needs, true) : 0,
  };
}

function count(cpus: number, memoryMB: number, needs: Needs, withExecutor: boolean): number {
  const executor = withExecutor ? needs.executor : null;
  const byCpu = whole(cpus - (executor?.cpus ?? 0), 1000) / Math.max(1, whole(needs.cpus, 1000));
  const byMemory =
    whole(memoryMB - (executor?.memoryMB ?? 0), 1024) / Math.max(1, whole(needs.memoryMB, 1024));
  return Math.max(0, Math.floor(Math.min(byCpu, byMemory)));
}

function whole(amount: number, unit: number): number {
  return Math.round(amount * unit);
}

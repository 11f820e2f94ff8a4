import type { Answer } from "@/api/client";

type Agent = Answer<"/api/operate/agents">[number];

/** What one shard needs, and what an executor of its app needs beside it: nothing for a script. */
export interface Need {
  cpus: number;
  memory: number;
  appName: string;
  executor: { cpus: number; memory: number } | null;
}

/** How many shards the agents could hold now, and whether an empty one could ever hold one. */
export interface Room {
  agents: number;
  now: number;
  ever: boolean;
  mostCpus: number;
  mostMemory: number;
}

// Sums of fractions, such as 0.1 + 0.2, end a little beside what is meant.
const SLACK = 1e-9;

export function roomFor(need: Need, agents: readonly Agent[]): Room {
  const open = agents.filter(({ draining }) => !draining);
  return {
    agents: open.length,
    now: open.reduce((sum, agent) => sum + shardsIn(agent, need, false), 0),
    ever: open.some((agent) => shardsIn(agent, need, true) > 0),
    mostCpus: Math.max(0, ...open.map(({ cpusTotal }) => cpusTotal)),
    mostMemory: Math.max(0, ...open.map(({ memoryMBTotal }) => memoryMBTotal)),
  };
}

function shardsIn(agent: Agent, need: Need, isEmpty: boolean): number {
  let cpus = agent.cpusTotal - (isEmpty ? 0 : agent.cpusUsed);
  let memory = agent.memoryMBTotal - (isEmpty ? 0 : agent.memoryMBUsed);
  const hasExecutor = !isEmpty && agent.executors.includes(need.appName);
  if (need.executor && !hasExecutor) {
    cpus -= need.executor.cpus;
    memory -= need.executor.memory;
  }
  if (cpus < 0 || memory < 0 || need.cpus <= 0 || need.memory <= 0) return 0;
  return Math.max(
    0,
    Math.min(Math.floor(cpus / need.cpus + SLACK), Math.floor(memory / need.memory + SLACK)),
  );
}

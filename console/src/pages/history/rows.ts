/** Rows of the history as the API answers them (docs/api.md, "History"). */
export interface Execution {
  id: number;
  jobName: string;
  taskId: string;
  hostname: string;
  ip: string;
  shardingItem: number;
  executionSource: string;
  failureCause: string | null;
  isSuccess: boolean;
  startTime: string;
  completeTime: string | null;
}

export interface StatusTrace {
  id: number;
  jobName: string;
  originalTaskId: string;
  taskId: string;
  slaveId: string;
  source: string;
  executionType: string;
  shardingItem: number;
  state: string;
  message: string;
  creationTime: string;
}

export interface HistoryPage {
  total: number;
  rows: readonly Record<string, unknown>[];
}

export type HistoryPath = "/api/job/events/executions" | "/api/job/events/statusTraces";

export const EXECUTION_COLUMNS = [
  "id",
  "jobName",
  "taskId",
  "hostname",
  "ip",
  "shardingItem",
  "executionSource",
  "failureCause",
  "isSuccess",
  "startTime",
  "completeTime",
] as const satisfies readonly (keyof Execution)[];

export const TRACE_COLUMNS = [
  "id",
  "jobName",
  "originalTaskId",
  "taskId",
  "slaveId",
  "source",
  "executionType",
  "shardingItem",
  "state",
  "message",
  "creationTime",
] as const satisfies readonly (keyof StatusTrace)[];

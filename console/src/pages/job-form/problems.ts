import type { ApiError } from "@/api/client";
import { type Problems, problemsOf as problemsOfForm } from "@/parts/problems";

const FIELDS = new Set([
  "jobName",
  "appName",
  "jobExecutionType",
  "shardingTotalCount",
  "cpuCount",
  "memoryMB",
  "cron",
  "timeZone",
  "shardingItemParameters",
  "jobParameter",
  "failover",
  "misfire",
  "jobExecutorServiceHandlerType",
  "jobErrorHandlerType",
  "timeoutSeconds",
  "description",
  "props",
  "alerts",
]);

/** Which fields of a job an answer is about. `404` is about the app, `409` about the name. */
export function problemsOf(error: unknown, isEdit: boolean): Problems {
  return problemsOfForm(error, FIELDS, (answer) => (isEdit ? null : fieldOfNew(answer)));
}

function fieldOfNew(answer: ApiError): string | null {
  if (answer.status === 404) return "appName";
  return answer.status === 409 && answer.message.startsWith("Job ") ? "jobName" : null;
}

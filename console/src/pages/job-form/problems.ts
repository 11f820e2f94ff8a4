import { ApiError } from "@/api/client";

/** The server's own words for each field, and what it said of none. */
export interface Problems {
  fields: Readonly<Record<string, string>>;
  others: readonly string[];
}

export const NO_PROBLEMS: Problems = { fields: {}, others: [] };

interface Named {
  field: string;
  message: string;
}

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

/** Which fields an answer is about. `404` is about the app, `409` about the name. */
export function problemsOf(error: unknown, isEdit: boolean): Problems {
  if (!(error instanceof ApiError)) return { fields: {}, others: [said(error)] };
  const named = (error.body as { errors?: Named[] } | null)?.errors ?? [];
  if (named.length === 0) return unnamed(error, isEdit);
  const fields: Record<string, string> = {};
  const others: string[] = [];
  for (const { field, message } of named) {
    const known = field.split(".")[0] ?? "";
    if (!FIELDS.has(known)) others.push(`${field}: ${message}`);
    else {
      const text = known === field ? message : `${field.slice(known.length + 1)}: ${message}`;
      fields[known] = fields[known] ? `${fields[known]} ${text}` : text;
    }
  }
  return { fields, others };
}

function unnamed(error: ApiError, isEdit: boolean): Problems {
  if (!isEdit && error.status === 404) return { fields: { appName: error.message }, others: [] };
  if (!isEdit && error.status === 409 && error.message.startsWith("Job ")) {
    return { fields: { jobName: error.message }, others: [] };
  }
  return { fields: {}, others: [error.message] };
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

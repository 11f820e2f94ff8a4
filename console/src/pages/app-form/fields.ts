import type { Answer } from "@/api/client";
import { ApiError } from "@/api/client";

export type AppConfiguration = Answer<"/api/app/{appName}">;

export const NEW_APP: AppConfiguration = {
  appName: "",
  appURL: "",
  bootstrapScript: "",
  cpuCount: 1,
  memoryMB: 128,
  appCacheEnable: true,
  eventTraceSamplingCount: 0,
  disabled: false,
};

const FIELDS = new Set([...Object.keys(NEW_APP), "alerts"]);

interface Problems {
  fields: Record<string, string>;
  others: string[];
}

/** Put what the server says to the fields that it speaks of. */
export function problemsOf(error: unknown): Problems {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApiError)) return { fields: {}, others: [message] };
  if (error.status === 409) return { fields: { appName: message }, others: [] };
  const named = (error.body as { errors?: { field: string; message: string }[] } | null)?.errors ?? [];
  const fields: Record<string, string> = {};
  for (const { field, message: said } of named) if (FIELDS.has(field)) fields[field] = said;
  const others = named
    .filter(({ field }) => !FIELDS.has(field))
    .map(({ field, message: said }) => `${field}: ${said}`);
  return named.length > 0 ? { fields, others } : { fields: {}, others: [message] };
}

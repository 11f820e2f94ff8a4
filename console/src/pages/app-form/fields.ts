import type { Answer } from "@/api/client";
import { type Problems, problemsOf as problemsOfForm } from "@/parts/problems";

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

/** Put what the server says to the fields that it speaks of. */
export function problemsOf(error: unknown): Problems {
  return problemsOfForm(error, FIELDS, ({ status }) => (status === 409 ? "appName" : null));
}

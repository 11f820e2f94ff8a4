import type { components } from "@/api/schema";

export type JobConfiguration = components["schemas"]["JobConfiguration"];

/** What the list adds to a job's settings: nothing that a job could be registered with. */
const OF_THE_LIST = new Set(["lastRun", "recent", "nextFire", "runningShards", "waitingReason", "shortened"]);

/** What an update sets where it says nothing. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  cron: "",
  timeZone: "",
  shardingItemParameters: "",
  jobParameter: "",
  failover: false,
  misfire: false,
  jobExecutorServiceHandlerType: "CPU",
  jobErrorHandlerType: "LOG",
  timeoutSeconds: 0,
  description: "",
  props: {},
};

export type Fields = Record<string, unknown>;

/** A job's settings as they are sent, without what the list adds. */
export function settingsOf(job: object): Fields {
  return Object.fromEntries(Object.entries(job).filter(([name]) => !OF_THE_LIST.has(name)));
}

/** Settings for a file that people read: what is empty is left out, which means the same. */
export function writtenSettings(job: object): Fields {
  return Object.fromEntries(
    Object.entries(settingsOf(job)).filter(
      ([, value]) =>
        value !== "" && !(typeof value === "object" && value !== null && Object.keys(value).length === 0),
    ),
  );
}

/** The names of the fields that an update with `given` would change. */
export function changedFields(stored: object, given: Fields): string[] {
  const before: Fields = settingsOf(stored);
  const after: Fields = { ...DEFAULTS, ...settingsOf(given) };
  // An update that says nothing of these leaves them as they are.
  const names = Object.keys(after).filter((name) => name in given || !["disabled", "alerts"].includes(name));
  return names.filter((name) => canonical(after[name]) !== canonical(before[name] ?? DEFAULTS[name]));
}

/** A value as text that is the same for the same value: keys in order, forms' strings of numbers as they are. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : (inner ?? null),
  );
}

import type { components } from "@/api/schema";

export type JobConfiguration = components["schemas"]["JobConfiguration"];
export type AlertRule = components["schemas"]["AlertRule"];

/** What is filled in so far: `null` where a number was cleared. It is sent as `sentFields` gives it. */
export interface JobFields {
  jobName: string;
  appName: string;
  jobExecutionType: JobConfiguration["jobExecutionType"];
  shardingTotalCount: number | null;
  cpuCount: number | null;
  memoryMB: number | null;
  cron: string;
  timeZone: string;
  shardingItemParameters: string;
  jobParameter: string;
  failover: boolean;
  misfire: boolean;
  jobExecutorServiceHandlerType: JobConfiguration["jobExecutorServiceHandlerType"];
  jobErrorHandlerType: JobConfiguration["jobErrorHandlerType"];
  timeoutSeconds: number | null;
  description: string;
  props: Record<string, string>;
  disabled: boolean;
  alerts: AlertRule;
}

export const SCRIPT = "script.command.line";
export const SCRIPT_CONTEXT = "script.pass.context";
export const STREAMING = "streaming.process";
export const HTTP_URI = "http.uri";
export const HTTP_METHOD = "http.method";
export const HTTP_DATA = "http.data";
export const HTTP_CONTENT_TYPE = "http.content.type";
export const HTTP_CONNECT_TIMEOUT = "http.connect.timeout.milliseconds";
export const HTTP_READ_TIMEOUT = "http.read.timeout.milliseconds";

const SCRIPT_PROPS = [SCRIPT, SCRIPT_CONTEXT] as const;
const HTTP_PROPS = [
  HTTP_URI,
  HTTP_METHOD,
  HTTP_DATA,
  HTTP_CONTENT_TYPE,
  HTTP_CONNECT_TIMEOUT,
  HTTP_READ_TIMEOUT,
] as const;

/** What a job runs: a command, code of the app through the SDK, or an HTTP request that `props` describe. */
export type Kind = "script" | "code" | "http";

export function kindOf(props: Readonly<Record<string, string>>): Kind {
  if (SCRIPT in props) return "script";
  return HTTP_URI in props ? "http" : "code";
}

/** The props that a kind has fields of its own for. */
export function ownProps(kind: Kind): readonly string[] {
  if (kind === "script") return SCRIPT_PROPS;
  return kind === "http" ? HTTP_PROPS : [STREAMING];
}

/** Props of another kind of job: what only the present kind understands goes. */
export function propsOfKind(props: Readonly<Record<string, string>>, kind: Kind): Record<string, string> {
  const gone = new Set<string>(ownProps(kindOf(props)));
  const kept = Object.fromEntries(Object.entries(props).filter(([name]) => !gone.has(name)));
  if (kind === "script") return { [SCRIPT]: "", ...kept };
  return kind === "http" ? { [HTTP_URI]: "", ...kept } : kept;
}

const NEW: JobFields = {
  jobName: "",
  appName: "",
  jobExecutionType: "TRANSIENT",
  shardingTotalCount: 1,
  cpuCount: 0.1,
  memoryMB: 64,
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
  props: { [SCRIPT]: "" },
  disabled: false,
  alerts: {},
};

/** Begin from a job, or from what most new jobs are. */
export function beginningOf(
  initial: JobConfiguration | undefined,
  mode: "new" | "edit" | "clone",
  appName = "",
): JobFields {
  if (!initial) return { ...NEW, appName };
  return {
    ...NEW,
    ...initial,
    props: { ...initial.props },
    alerts: initial.alerts ?? {},
    disabled: mode === "edit" ? initial.disabled : false,
    jobName: mode === "clone" ? "" : initial.jobName,
  };
}

/** The body of the call. What is empty is left out, which means the same and reads better. */
export function sentFields(job: JobFields, isEdit: boolean): Record<string, unknown> {
  const hasRule = Object.keys(job.alerts).length > 0;
  return Object.fromEntries(
    Object.entries(job).filter(([name, value]) => {
      if (value === null || value === "") return false;
      if (name === "props") return Object.keys(job.props).length > 0;
      // An update leaves a rule as it is unless it is told: `{}` takes it away.
      if (name === "alerts") return hasRule || isEdit;
      if (name === "disabled") return !isEdit && job.disabled;
      return true;
    }),
  );
}

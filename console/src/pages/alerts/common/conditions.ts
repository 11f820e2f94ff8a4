import type { Answer } from "@/api/client";
import table from "./conditions.json";

export type Alert = Answer<"/api/alert/events/{id}">;
export type Condition = Alert["condition"];
export type Severity = Alert["severity"];

/** A condition, and what holds where no rule says otherwise (docs/alerts.md). A test holds the table to the server's. */
export interface ConditionDefaults {
  /** Whether its alerts are about a job, not about the system. */
  isOfJob: boolean;
  isOn: boolean;
  severity: Severity;
  /** Null: there is none, it must be said where the condition is switched on. */
  thresholds: Readonly<Record<string, number | null>>;
}

export const DEFAULTS = table as unknown as Readonly<Record<Condition, ConditionDefaults>>;
export const CONDITIONS = Object.keys(table) as readonly Condition[];
/** RECOVERED is no alert of its own. */
export const ALERT_CONDITIONS = CONDITIONS.filter((condition) => condition !== "RECOVERED");
export const SEVERITIES: readonly Severity[] = ["CRITICAL", "WARNING", "INFO"];

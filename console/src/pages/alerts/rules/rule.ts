import type { Body } from "@/api/client";
import { type Condition, DEFAULTS, type Severity } from "../common/conditions";

export type Rule = Body<"/api/alert/rules/{scope}", "put">;

/** What a rule says of a condition: off, on as farther rules have it, or with thresholds and a severity of its own. */
export type Setting = boolean | Readonly<Record<string, number | string>>;

/** Where a value comes from: a scope, or nothing where no rule says it. */
export interface Held<V> {
  value: V;
  from: string;
}

/** Rules with their scopes, the nearest first. */
export type Chain = readonly (readonly [scope: string, rule: Rule])[];

const RANKS = ["job:", "app:", "global"];

/** Order rules that hold for one scope: the nearest wins. */
export function chainOf(rules: Readonly<Record<string, Rule>>): Chain {
  const rank = (scope: string): number => RANKS.findIndex((prefix) => scope.startsWith(prefix));
  return Object.entries(rules).sort(([a], [b]) => rank(a) - rank(b));
}

export function settingOf(rule: Rule | undefined, condition: Condition): Setting | undefined {
  return rule?.conditions?.[condition] as Setting | undefined;
}

/** Whether a condition is watched. */
export function heldSwitch(chain: Chain, condition: Condition): Held<boolean> {
  for (const [from, rule] of chain) {
    const setting = settingOf(rule, condition);
    if (setting !== undefined) return { value: setting !== false, from };
  }
  return { value: DEFAULTS[condition].isOn, from: "" };
}

/** A threshold of a condition; null where nobody says one. */
export function heldThreshold(chain: Chain, condition: Condition, name: string): Held<number | null> {
  for (const [from, rule] of chain) {
    const setting = settingOf(rule, condition);
    const value = typeof setting === "object" ? setting[name] : undefined;
    if (typeof value === "number") return { value, from };
  }
  return { value: DEFAULTS[condition].thresholds[name] ?? null, from: "" };
}

/** A rule's severity for this condition goes before the one that it has for all. */
export function heldSeverity(chain: Chain, condition: Condition): Held<Severity> {
  for (const [from, rule] of chain) {
    const setting = settingOf(rule, condition);
    const own = typeof setting === "object" ? (setting.severity as Severity | undefined) : undefined;
    const value = own ?? rule.severity;
    if (value !== undefined) return { value, from };
  }
  return { value: DEFAULTS[condition].severity, from: "" };
}

/** Any other field; undefined where no rule says it. */
export function held<K extends keyof Rule>(chain: Chain, field: K): Held<Rule[K] | undefined> {
  for (const [from, rule] of chain) if (rule[field] !== undefined) return { value: rule[field], from };
  return { value: undefined, from: "" };
}

export function putSetting(rule: Rule, condition: Condition, setting: Setting | undefined): Rule {
  const { conditions, ...others } = rule;
  const { [condition]: _, ...rest } = (conditions ?? {}) as Record<string, Setting>;
  const next = setting === undefined ? rest : { ...rest, [condition]: setting };
  if (Object.keys(next).length === 0) return others;
  return { ...others, conditions: next as NonNullable<Rule["conditions"]> };
}

/** Set a threshold or the severity of a condition that is on; nothing: farther rules say it. */
export function putPart(
  rule: Rule,
  condition: Condition,
  name: string,
  value: number | string | undefined,
): Rule {
  const before = settingOf(rule, condition);
  const { [name]: _, ...rest } = typeof before === "object" ? before : {};
  const next = value === undefined ? rest : { ...rest, [name]: value };
  return putSetting(rule, condition, Object.keys(next).length === 0 ? true : next);
}

export function putField<K extends keyof Rule>(rule: Rule, field: K, value: Rule[K] | undefined): Rule {
  const { [field]: _, ...rest } = rule;
  return (value === undefined ? rest : { ...rest, [field]: value }) as Rule;
}

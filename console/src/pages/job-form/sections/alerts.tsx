import { Input, InputNumber, Select, Table } from "antd";
import { useRead } from "@/api/live";
import { useEditing } from "../editing";
import { Field } from "../field";
import type { AlertRule } from "../fields";
import { useWords, type Word } from "../words";

type Condition = keyof NonNullable<AlertRule["conditions"]>;
type Severity = NonNullable<AlertRule["severity"]>;
type Setting = boolean | Record<string, number | string>;

/** The conditions of a job, and their thresholds with what holds where no rule says otherwise (docs/alerts.md). */
const CONDITIONS: readonly [Condition, Readonly<Record<string, number | null>>][] = [
  ["RUN_FAILED", { after: 1 }],
  ["RECOVERED", {}],
  ["LATE", { seconds: 60 }],
  ["STUCK", { seconds: null, times: null }],
  ["NO_SUCCESS", { seconds: null }],
  ["DROPPED", { clearSeconds: 600 }],
  ["UNPLACEABLE", { seconds: 30 }],
  ["FLAPPING", { restarts: 5, minutes: 10 }],
];

const SEVERITIES: readonly Severity[] = ["INFO", "WARNING", "CRITICAL"];

type Switch = "inherited" | "on" | "off";

function switchOf(setting: Setting | undefined): Switch {
  if (setting === undefined) return "inherited";
  return setting === false ? "off" : "on";
}

function partsOf(setting: Setting | undefined): Record<string, number | string> {
  return typeof setting === "object" ? setting : {};
}

/** The job's own rule: what it says nothing about, the rules of its app and of everything say. */
export function Alerts() {
  const t = useWords();
  const { job } = useEditing();
  const hasRule = Object.keys(job.alerts).length > 0;
  return (
    <details className="panel" open={hasRule}>
      <summary>
        <h2>{t("alerts")}</h2>
      </summary>
      <Field id="alerts" label={t("alerts_rule")} hint={t("alerts_hint")}>
        <div id="alerts">
          <Conditions />
          <Delivery />
        </div>
      </Field>
    </details>
  );
}

function useRule(): [AlertRule, (changed: { [K in keyof AlertRule]?: AlertRule[K] | undefined }) => void] {
  const { job, set } = useEditing();
  return [
    job.alerts,
    (changed) => {
      const next = Object.entries({ ...job.alerts, ...changed }).filter(([, value]) => value !== undefined);
      set({ alerts: Object.fromEntries(next) as AlertRule });
    },
  ];
}

function Conditions() {
  const t = useWords();
  const [rule, change] = useRule();
  const conditions = (rule.conditions ?? {}) as Record<string, Setting>;

  function put(condition: Condition, setting: Setting | undefined): void {
    const next = Object.entries({ ...conditions, [condition]: setting }).filter(
      ([, value]) => value !== undefined,
    );
    change({
      conditions: next.length > 0 ? (Object.fromEntries(next) as AlertRule["conditions"]) : undefined,
    });
  }

  function putPart(condition: Condition, name: string, value: number | string | null | undefined): void {
    const parts = Object.entries({ ...partsOf(conditions[condition]), [name]: value }).filter(
      ([, each]) => each !== null && each !== undefined,
    );
    put(condition, parts.length > 0 ? (Object.fromEntries(parts) as Setting) : true);
  }

  return (
    <Table<{ condition: Condition; thresholds: Readonly<Record<string, number | null>> }>
      size="small"
      rowKey="condition"
      pagination={false}
      scroll={{ x: "max-content" }}
      dataSource={CONDITIONS.map(([condition, thresholds]) => ({ condition, thresholds }))}
      columns={[
        {
          key: "condition",
          title: t("condition"),
          render: (_, { condition }) => (
            <>
              <div>{t(`condition_${condition}` as Word)}</div>
              <code className="mono calm">{condition}</code>
            </>
          ),
        },
        {
          key: "switch",
          title: t("watched"),
          render: (_, { condition }) => (
            <Select<Switch>
              aria-label={`${condition}: ${t("watched")}`}
              className="job-form-switch"
              value={switchOf(conditions[condition])}
              onChange={(chosen) => put(condition, chosen === "inherited" ? undefined : chosen === "on")}
              options={[
                { value: "inherited", label: t("inherited") },
                { value: "on", label: t("on") },
                { value: "off", label: t("off") },
              ]}
            />
          ),
        },
        {
          key: "thresholds",
          title: t("thresholds"),
          render: (_, { condition, thresholds }) =>
            switchOf(conditions[condition]) === "on" ? (
              <div className="job-form-thresholds">
                {Object.entries(thresholds).map(([name, usual]) => (
                  <span key={name} className="nowrap">
                    <InputNumber
                      controls={false}
                      size="small"
                      aria-label={`${condition}: ${t(`threshold_${name}` as Word)}`}
                      className="job-form-threshold"
                      {...(usual === null ? {} : { placeholder: String(usual) })}
                      value={(partsOf(conditions[condition])[name] as number | undefined) ?? null}
                      onChange={(value) => putPart(condition, name, value)}
                    />{" "}
                    {t(`threshold_${name}` as Word)}
                  </span>
                ))}
              </div>
            ) : null,
        },
        {
          key: "severity",
          title: t("severity"),
          render: (_, { condition }) =>
            switchOf(conditions[condition]) === "on" ? (
              <SeverityChoice
                label={`${condition}: ${t("severity")}`}
                value={partsOf(conditions[condition]).severity as Severity | undefined}
                onChange={(severity) => putPart(condition, "severity", severity)}
              />
            ) : null,
        },
      ]}
    />
  );
}

function SeverityChoice({
  label,
  value,
  onChange,
}: {
  label: string;
  value: Severity | undefined;
  onChange: (severity: Severity | undefined) => void;
}) {
  const t = useWords();
  return (
    <Select
      aria-label={label}
      className="job-form-switch"
      value={value ?? ""}
      onChange={(chosen: Severity | "") => onChange(chosen === "" ? undefined : chosen)}
      options={[
        { value: "", label: t("inherited") },
        ...SEVERITIES.map((severity) => ({ value: severity, label: t(severity) })),
      ]}
    />
  );
}

/** Who is told, how often and in which language. */
function Delivery() {
  const t = useWords();
  const [rule, change] = useRule();
  const channels = useRead("/api/alert/channels", { topics: ["alerts"] }).data ?? [];
  return (
    <>
      <div className="job-form-row job-form-delivery">
        <Labelled id="channels" label={t("channels")}>
          <Select
            id="channels"
            mode="multiple"
            allowClear
            placeholder={rule.channels === undefined ? t("inherited") : t("nobody")}
            notFoundContent={t("no_channels")}
            value={rule.channels ?? []}
            onChange={(chosen: string[]) => change({ channels: chosen })}
            onClear={() => change({ channels: undefined })}
            options={channels.map(({ name }) => ({ value: name, label: name }))}
          />
        </Labelled>
        <Labelled id="severity" label={t("severity_of_all")}>
          <SeverityChoice
            label={t("severity_of_all")}
            value={rule.severity}
            onChange={(severity) => change({ severity })}
          />
        </Labelled>
        <Labelled id="language" label={t("language")}>
          <Select
            aria-label={t("language")}
            value={rule.language ?? ""}
            onChange={(chosen: "en" | "zh" | "") => change({ language: chosen === "" ? undefined : chosen })}
            options={[
              { value: "" as const, label: t("inherited") },
              { value: "en" as const, label: "English" },
              { value: "zh" as const, label: "中文" },
            ]}
          />
        </Labelled>
        <NumberOf id="silenceMinutes" label={t("silence_minutes")} />
        <NumberOf id="reminderMinutes" label={t("reminder_minutes")} />
        <NumberOf id="groupSeconds" label={t("group_seconds")} />
        <QuietHours />
      </div>
      <Labelled id="template" label={t("template")}>
        <Input.TextArea
          id="template"
          rows={1}
          value={rule.template ?? ""}
          onChange={({ target }) => change({ template: target.value || undefined })}
        />
      </Labelled>
    </>
  );
}

function Labelled({ id, label, children }: { id: string; label: string; children: React.ReactNode }) {
  return (
    <div className="job-form-labelled">
      <label htmlFor={id}>{label}</label>
      {children}
    </div>
  );
}

function NumberOf({
  id,
  label,
}: {
  id: "silenceMinutes" | "reminderMinutes" | "groupSeconds";
  label: string;
}) {
  const t = useWords();
  const [rule, change] = useRule();
  return (
    <Labelled id={id} label={label}>
      <InputNumber
        controls={false}
        id={id}
        className="job-form-number"
        placeholder={t("inherited")}
        value={rule[id] ?? null}
        onChange={(value) => change({ [id]: value ?? undefined })}
      />
    </Labelled>
  );
}

/** From when to when messages wait; both empty: as the farther rules say. */
function QuietHours() {
  const t = useWords();
  const [rule, change] = useRule();
  const quiet = rule.quietHours;

  function put(part: "start" | "end" | "timeZone", value: string): void {
    const next = { start: "", end: "", timeZone: "", ...quiet, [part]: value };
    const isEmpty = !next.start && !next.end && !next.timeZone;
    const { timeZone, ...times } = next;
    change({ quietHours: isEmpty ? undefined : timeZone ? next : times });
  }

  return (
    <>
      <Labelled id="quietStart" label={t("quiet_start")}>
        <Input
          id="quietStart"
          placeholder="22:00"
          value={quiet?.start ?? ""}
          onChange={({ target }) => put("start", target.value)}
        />
      </Labelled>
      <Labelled id="quietEnd" label={t("quiet_end")}>
        <Input
          id="quietEnd"
          placeholder="07:00"
          value={quiet?.end ?? ""}
          onChange={({ target }) => put("end", target.value)}
        />
      </Labelled>
      <Labelled id="quietZone" label={t("quiet_zone")}>
        <Input
          id="quietZone"
          placeholder="Asia/Shanghai"
          value={quiet?.timeZone ?? ""}
          onChange={({ target }) => put("timeZone", target.value)}
        />
      </Labelled>
    </>
  );
}

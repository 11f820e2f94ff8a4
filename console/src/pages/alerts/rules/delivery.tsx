import { Input, InputNumber, Select } from "antd";
import { useState } from "react";
import { Field } from "../common/field";
import { useChannelNames } from "../common/pickers";
import type { Problems } from "../common/problems";
import { SeverityChoice } from "./conditions";
import { GROUP_SECONDS } from "./holding";
import { type Chain, held, putField, type Rule } from "./rule";
import { useSource } from "./source";
import { useWords } from "./words";

interface PartProps {
  rule: Rule;
  farther: Chain;
  problems: Problems;
  onChange: (rule: Rule) => void;
}

type Told = "farther" | "nobody" | "these";

/** Who is told, how, and when not. */
export function Delivery(props: PartProps) {
  const { rule, farther, problems, onChange } = props;
  const t = useWords();
  const source = useSource();
  const language = held(farther, "language");
  const template = held(farther, "template");
  return (
    <>
      <div className="alerts-row">
        <ChannelsField {...props} />
        <Field
          id="rule-severity"
          label={t("severity_of_all")}
          hint={t("severity_hint")}
          problem={problems.fields.severity}
        >
          <SeverityChoice
            id="rule-severity"
            label={t("severity_of_all")}
            value={rule.severity}
            onChange={(severity) => onChange(putField(rule, "severity", severity))}
          />
        </Field>
        <Field
          id="rule-language"
          label={t("language")}
          hint={t("else_value", { value: t(language.value ?? "en"), by: source(language.from, "") })}
          problem={problems.fields.language}
        >
          <Select<"" | "en" | "zh">
            id="rule-language"
            value={rule.language ?? ""}
            onChange={(chosen) => onChange(putField(rule, "language", chosen === "" ? undefined : chosen))}
            options={[
              { value: "", label: t("as_farther") },
              { value: "en", label: t("en") },
              { value: "zh", label: t("zh") },
            ]}
          />
        </Field>
        <NumberField {...props} field="silenceMinutes" label={t("silence_minutes")} usual={0} />
        <NumberField {...props} field="reminderMinutes" label={t("reminder_minutes")} usual={0} />
        <NumberField {...props} field="groupSeconds" label={t("group_seconds")} usual={GROUP_SECONDS} />
      </div>
      <QuietHours {...props} />
      <Field
        id="rule-template"
        label={t("template")}
        hint={
          <>
            {t("template_hint")}{" "}
            <code className="mono">$job $app $what $reason $where $run $items $since $link …</code>
          </>
        }
        problem={problems.fields.template}
      >
        <Input.TextArea
          id="rule-template"
          className="mono"
          rows={3}
          placeholder={template.value ?? t("usual_text")}
          value={rule.template ?? ""}
          onChange={({ target }) => onChange(putField(rule, "template", target.value || undefined))}
        />
      </Field>
    </>
  );
}

function ChannelsField({ rule, farther, problems, onChange }: PartProps) {
  const t = useWords();
  const source = useSource();
  const names = useChannelNames();
  const [told, setTold] = useState<Told>(() => toldOf(rule));
  const channels = held(farther, "channels");
  const put = (next: string[] | undefined): void => onChange(putField(rule, "channels", next));

  function choose(next: Told): void {
    setTold(next);
    put(next === "farther" ? undefined : []);
  }

  return (
    <Field
      id="rule-told"
      label={t("channels")}
      hint={
        told === "farther"
          ? t("else_value", {
              value: channels.value?.join(", ") || t("nobody"),
              by: source(channels.from, ""),
            })
          : names.length === 0
            ? t("no_channels")
            : undefined
      }
      problem={problems.fields.channels}
    >
      <Select<Told>
        id="rule-told"
        value={told}
        onChange={choose}
        options={[
          { value: "farther", label: t("as_farther") },
          { value: "these", label: t("these_channels") },
          { value: "nobody", label: t("nobody") },
        ]}
      />
      {told === "these" ? (
        <Select
          mode="multiple"
          className="alerts-below"
          aria-label={t("these_channels")}
          value={rule.channels ?? []}
          onChange={(chosen: string[]) => put(chosen)}
          options={names.map((name) => ({ value: name, label: name }))}
        />
      ) : null}
    </Field>
  );
}

function toldOf({ channels }: Rule): Told {
  if (channels === undefined) return "farther";
  return channels.length > 0 ? "these" : "nobody";
}

function NumberField({
  rule,
  farther,
  problems,
  onChange,
  field,
  label,
  usual,
}: PartProps & {
  field: "silenceMinutes" | "reminderMinutes" | "groupSeconds";
  label: string;
  usual: number;
}) {
  const t = useWords();
  const source = useSource();
  const other = held(farther, field);
  return (
    <Field
      id={`rule-${field}`}
      label={label}
      hint={t("else_value", { value: other.value ?? usual, by: source(other.from, "") })}
      problem={problems.fields[field]}
    >
      <InputNumber
        controls={false}
        id={`rule-${field}`}
        className="alerts-number"
        placeholder={String(other.value ?? usual)}
        value={rule[field] ?? null}
        onChange={(value) => onChange(putField(rule, field, value ?? undefined))}
      />
    </Field>
  );
}

const ZONES: readonly string[] = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];

/** From when to when messages wait; both empty: as farther rules say. */
function QuietHours({ rule, farther, problems, onChange }: PartProps) {
  const t = useWords();
  const source = useSource();
  const quiet = rule.quietHours;
  const other = held(farther, "quietHours");

  function put(part: "start" | "end" | "timeZone", value: string): void {
    const before = { start: quiet?.start ?? "", end: quiet?.end ?? "", timeZone: quiet?.timeZone ?? "" };
    const after = { ...before, [part]: value };
    const { start, end, timeZone } = after;
    const next = timeZone ? { start, end, timeZone } : { start, end };
    onChange(putField(rule, "quietHours", start || end || timeZone ? next : undefined));
  }

  const hint = other.value
    ? t("else_value", {
        value: `${other.value.start}–${other.value.end} ${other.value.timeZone ?? "UTC"}`,
        by: source(other.from, ""),
      })
    : t("quiet_hint");
  return (
    <div className="alerts-row">
      <Field
        id="rule-quiet-start"
        label={t("quiet_start")}
        hint={hint}
        problem={problems.fields["quietHours.start"] ?? problems.fields.quietHours}
      >
        <Input
          id="rule-quiet-start"
          placeholder="22:00"
          value={quiet?.start ?? ""}
          onChange={({ target }) => put("start", target.value.trim())}
        />
      </Field>
      <Field id="rule-quiet-end" label={t("quiet_end")} problem={problems.fields["quietHours.end"]}>
        <Input
          id="rule-quiet-end"
          placeholder="07:00"
          value={quiet?.end ?? ""}
          onChange={({ target }) => put("end", target.value.trim())}
        />
      </Field>
      <Field id="rule-quiet-zone" label={t("quiet_zone")} problem={problems.fields["quietHours.timeZone"]}>
        <Select
          id="rule-quiet-zone"
          showSearch
          allowClear
          placeholder="UTC"
          value={quiet?.timeZone ?? null}
          onChange={(zone?: string | null) => put("timeZone", zone ?? "")}
          options={ZONES.map((zone) => ({ value: zone, label: zone }))}
        />
      </Field>
    </div>
  );
}

import { InputNumber, Select, Table } from "antd";
import { CONDITIONS, type Condition, DEFAULTS, SEVERITIES, type Severity } from "../common/conditions";
import { Said } from "../common/field";
import type { Problems } from "../common/problems";
import { useCommonWords } from "../common/words";
import { DurationInput } from "./duration";
import {
  type Chain,
  heldSeverity,
  heldSwitch,
  heldThreshold,
  putPart,
  putSetting,
  type Rule,
  type Setting,
  settingOf,
} from "./rule";
import { useShownThreshold } from "./says";
import { useSource } from "./source";
import { useWords } from "./words";

type Switch = "farther" | "on" | "off";

/** Each condition: on, off, or as farther rules say; and its thresholds. */
export function Conditions({
  scope,
  rule,
  farther,
  problems,
  onChange,
}: {
  scope: string;
  rule: Rule;
  farther: Chain;
  problems: Problems;
  onChange: (rule: Rule) => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const conditions = scope === "global" ? CONDITIONS : CONDITIONS.filter((each) => DEFAULTS[each].isOfJob);
  return (
    <Table<{ condition: Condition }>
      size="small"
      rowKey="condition"
      pagination={false}
      scroll={{ x: "max-content" }}
      dataSource={conditions.map((condition) => ({ condition }))}
      columns={[
        {
          key: "condition",
          title: common("condition"),
          render: (_, { condition }) => (
            <>
              {common(condition)}
              <span className="alerts-line calm alerts-hint">{t(`means_${condition}`)}</span>
            </>
          ),
        },
        {
          key: "switch",
          title: t("this_rule"),
          render: (_, { condition }) => (
            <>
              <Select<Switch>
                size="small"
                className="alerts-switch"
                aria-label={t("watched_of", { condition: common(condition) })}
                value={switchOf(settingOf(rule, condition))}
                onChange={(chosen) =>
                  onChange(putSetting(rule, condition, chosen === "farther" ? undefined : chosen === "on"))
                }
                options={[
                  { value: "farther", label: t(scope === "global" ? "as_default" : "as_farther") },
                  { value: "on", label: t("on") },
                  { value: "off", label: t("off") },
                ]}
              />
              <div>
                <Said text={problems.fields[`conditions.${condition}`]} />
              </div>
            </>
          ),
        },
        {
          key: "thresholds",
          title: t("thresholds"),
          render: (_, { condition }) =>
            switchOf(settingOf(rule, condition)) === "on" ? (
              <div className="alerts-thresholds">
                {Object.keys(DEFAULTS[condition].thresholds).map((name) => (
                  <Threshold
                    key={name}
                    condition={condition}
                    name={name}
                    rule={rule}
                    farther={farther}
                    problem={problems.fields[`conditions.${condition}.${name}`]}
                    onChange={onChange}
                  />
                ))}
              </div>
            ) : null,
        },
        {
          key: "severity",
          title: t("severity"),
          render: (_, { condition }) =>
            switchOf(settingOf(rule, condition)) === "on" && condition !== "RECOVERED" ? (
              <>
                <SeverityChoice
                  size="small"
                  label={t("severity_of", { condition: common(condition) })}
                  value={partOf(settingOf(rule, condition), "severity") as Severity | undefined}
                  onChange={(severity) => onChange(putPart(rule, condition, "severity", severity))}
                />
                <Said text={problems.fields[`conditions.${condition}.severity`]} />
              </>
            ) : null,
        },
        {
          key: "farther",
          title: t(scope === "global" ? "default" : "without"),
          render: (_, { condition }) => <Farther condition={condition} chain={farther} />,
        },
      ]}
    />
  );
}

function switchOf(setting: Setting | undefined): Switch {
  if (setting === undefined) return "farther";
  return setting === false ? "off" : "on";
}

function partOf(setting: Setting | undefined, name: string): number | string | undefined {
  return typeof setting === "object" ? setting[name] : undefined;
}

function Threshold({
  condition,
  name,
  rule,
  farther,
  problem,
  onChange,
}: {
  condition: Condition;
  name: string;
  rule: Rule;
  farther: Chain;
  problem: string | undefined;
  onChange: (rule: Rule) => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const value = partOf(settingOf(rule, condition), name) as number | undefined;
  const usual = heldThreshold(farther, condition, name).value;
  const label = `${common(condition)}: ${t(`threshold_${name}` as "threshold_after")}`;
  const put = (next: number | undefined): void => onChange(putPart(rule, condition, name, next));
  return (
    <div>
      <span className="alerts-threshold-name">{t(`threshold_${name}` as "threshold_after")}</span>{" "}
      {name === "seconds" || name === "clearSeconds" ? (
        <DurationInput label={label} value={value} usual={usual} onChange={put} />
      ) : (
        <InputNumber
          controls={false}
          size="small"
          className="alerts-threshold"
          aria-label={label}
          value={value ?? null}
          {...(usual === null ? {} : { placeholder: String(usual) })}
          onChange={(typed) => put(typed ?? undefined)}
        />
      )}
      <div>
        <Said text={problem} />
      </div>
    </div>
  );
}

export function SeverityChoice({
  id,
  label,
  size,
  value,
  onChange,
}: {
  id?: string;
  label: string;
  size?: "small";
  value: Severity | undefined;
  onChange: (severity: Severity | undefined) => void;
}) {
  const t = useWords();
  return (
    <Select<Severity | "">
      {...(id ? { id } : {})}
      {...(size ? { size } : {})}
      className="alerts-switch"
      aria-label={label}
      value={value ?? ""}
      onChange={(chosen) => onChange(chosen === "" ? undefined : chosen)}
      options={[
        { value: "", label: t("as_farther") },
        ...SEVERITIES.map((severity) => ({ value: severity, label: t(severity) })),
      ]}
    />
  );
}

/** What holds where this rule says nothing, in one line, and who says it. */
function Farther({ condition, chain }: { condition: Condition; chain: Chain }) {
  const t = useWords();
  const shown = useShownThreshold();
  const source = useSource();
  const { value: isOn, from } = heldSwitch(chain, condition);
  const parts = isOn
    ? [
        t("on"),
        ...Object.keys(DEFAULTS[condition].thresholds).flatMap((name) => {
          const { value } = heldThreshold(chain, condition, name);
          return value === null ? [] : [shown(name, value)];
        }),
        condition === "RECOVERED" ? "" : t(heldSeverity(chain, condition).value),
      ].filter(Boolean)
    : [t("off")];
  return (
    <span className="calm">
      {parts.join(", ")}
      {from ? <span className="alerts-line">{source(from, "")}</span> : null}
    </span>
  );
}

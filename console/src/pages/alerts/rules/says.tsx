import { Tag } from "antd";
import { CONDITIONS, type Condition, type Severity } from "../common/conditions";
import { useCommonWords } from "../common/words";
import { useExactLength } from "./length";
import { type Rule, type Setting, settingOf } from "./rule";
import { useWords } from "./words";

const SECONDS = new Set(["seconds", "clearSeconds"]);

/** A threshold in words: `after 3 in a row`, `5 min`. */
export function useShownThreshold(): (name: string, value: number) => string {
  const t = useWords();
  const shown = useExactLength();
  return (name, value) =>
    t(`is_${name}` as "is_after", {
      value: SECONDS.has(name) ? shown(value) : name === "minutes" ? shown(value * 60) : value,
    });
}

/** What one rule says, in short. */
export function Says({ rule }: { rule: Rule }) {
  const t = useWords();
  const quiet = rule.quietHours;
  const shown = useExactLength();
  return (
    <div className="alerts-says">
      {rule.channels === undefined ? null : (
        <Tag color="processing">
          {rule.channels.length > 0 ? t("tells", { names: rule.channels.join(", ") }) : t("tells_nobody")}
        </Tag>
      )}
      {CONDITIONS.map((condition) => {
        const setting = settingOf(rule, condition);
        return setting === undefined ? null : (
          <SaysOf key={condition} condition={condition} setting={setting} />
        );
      })}
      {rule.severity ? <Tag>{t("severity_is", { severity: t(rule.severity) })}</Tag> : null}
      {rule.language ? <Tag>{t(rule.language)}</Tag> : null}
      {rule.silenceMinutes === undefined ? null : (
        <Tag>{t("silence_is", { time: shown(rule.silenceMinutes * 60) })}</Tag>
      )}
      {rule.reminderMinutes === undefined ? null : (
        <Tag>{t("reminder_is", { time: shown(rule.reminderMinutes * 60) })}</Tag>
      )}
      {rule.groupSeconds === undefined ? null : (
        <Tag>{t("group_is", { time: shown(rule.groupSeconds) })}</Tag>
      )}
      {quiet ? (
        <Tag>{t("quiet_is", { start: quiet.start, end: quiet.end, zone: quiet.timeZone ?? "UTC" })}</Tag>
      ) : null}
      {rule.template ? <Tag>{t("has_template")}</Tag> : null}
    </div>
  );
}

function SaysOf({ condition, setting }: { condition: Condition; setting: Setting }) {
  const t = useWords();
  const common = useCommonWords();
  const shown = useShownThreshold();
  if (typeof setting === "boolean") {
    return <Tag>{t(setting ? "is_on" : "is_off", { condition: common(condition) })}</Tag>;
  }
  const parts = Object.entries(setting).map(([name, value]) =>
    name === "severity" ? t(value as Severity) : shown(name, Number(value)),
  );
  return <Tag>{t("has_parts", { condition: common(condition), parts: parts.join(", ") })}</Tag>;
}

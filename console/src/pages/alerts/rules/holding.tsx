import { Descriptions, Table } from "antd";
import { State } from "@/parts/states";
import { CONDITIONS, type Condition, DEFAULTS } from "../common/conditions";
import { useCommonWords } from "../common/words";
import { type Chain, held, heldSeverity, heldSwitch, heldThreshold } from "./rule";
import { useShownThreshold } from "./says";
import { useSource } from "./source";
import { useWords } from "./words";

/** What holds for a scope, and which rule says it. */
export function Holding({ scope, chain }: { scope: string; chain: Chain }) {
  const t = useWords();
  const common = useCommonWords();
  const source = useSource();
  const shown = useShownThreshold();
  const conditions = scope === "global" ? CONDITIONS : CONDITIONS.filter((each) => DEFAULTS[each].isOfJob);
  const by = (from: string) => <span className="alerts-line calm">{source(from, scope)}</span>;
  const channels = held(chain, "channels");
  const language = held(chain, "language");
  const silence = held(chain, "silenceMinutes");
  const reminder = held(chain, "reminderMinutes");
  const group = held(chain, "groupSeconds");
  const quiet = held(chain, "quietHours");
  const template = held(chain, "template");
  return (
    <>
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 2, md: 3 }}
        items={[
          {
            key: "channels",
            label: t("channels"),
            children: (
              <div>
                {channels.value?.join(", ") || t("nobody")}
                {by(channels.from)}
              </div>
            ),
          },
          {
            key: "language",
            label: t("language"),
            children: (
              <div>
                {t(language.value ?? "en")}
                {by(language.from)}
              </div>
            ),
          },
          {
            key: "silence",
            label: t("silence_minutes"),
            children: (
              <div>
                {silence.value ?? 0}
                {by(silence.from)}
              </div>
            ),
          },
          {
            key: "reminder",
            label: t("reminder_minutes"),
            children: (
              <div>
                {reminder.value || t("never")}
                {by(reminder.from)}
              </div>
            ),
          },
          {
            key: "group",
            label: t("group_seconds"),
            children: (
              <div>
                {group.value ?? GROUP_SECONDS}
                {by(group.from)}
              </div>
            ),
          },
          {
            key: "quiet",
            label: t("quiet"),
            children: (
              <div>
                {quiet.value
                  ? `${quiet.value.start}–${quiet.value.end} ${quiet.value.timeZone ?? "UTC"}`
                  : t("none")}
                {by(quiet.from)}
              </div>
            ),
          },
          {
            key: "template",
            label: t("template"),
            children: (
              <div>
                <span className="alerts-text mono">{template.value || t("usual_text")}</span>
                {by(template.from)}
              </div>
            ),
          },
        ]}
      />
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
            render: (_, { condition }) => common(condition),
          },
          {
            key: "switch",
            title: t("watched"),
            render: (_, { condition }) => {
              const { value, from } = heldSwitch(chain, condition);
              return (
                <>
                  {value ? t("on") : t("off")}
                  {by(from)}
                </>
              );
            },
          },
          {
            key: "thresholds",
            title: t("thresholds"),
            render: (_, { condition }) =>
              Object.keys(DEFAULTS[condition].thresholds).map((name) => {
                const { value, from } = heldThreshold(chain, condition, name);
                return value === null ? null : (
                  <div key={name}>
                    {shown(name, value)}
                    {by(from)}
                  </div>
                );
              }),
          },
          {
            key: "severity",
            title: t("severity"),
            render: (_, { condition }) => {
              const { value, from } = heldSeverity(chain, condition);
              return condition === "RECOVERED" ? null : (
                <>
                  <State state={value} />
                  {by(from)}
                </>
              );
            },
          },
        ]}
      />
    </>
  );
}

export const GROUP_SECONDS = 5;

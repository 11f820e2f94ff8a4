import { Alert, App, Button, Form } from "antd";
import { useState } from "react";
import { put } from "@/api/client";
import { Action, CopyCurl } from "@/parts/action";
import { OtherProblems } from "../common/field";
import { useSaving } from "../common/problems";
import { useCommonWords } from "../common/words";
import { Conditions } from "./conditions";
import { Delivery } from "./delivery";
import type { Chain, Rule } from "./rule";
import { useScopeName } from "./scope";
import { useWords } from "./words";

const FIELDS =
  /^(channels|severity|language|silenceMinutes|reminderMinutes|groupSeconds|template|quietHours(\.(start|end|timeZone))?|conditions\.\w+(\.\w+)?)$/;

/** The rule of one scope, to be changed. `stored`: as it is now; nothing where there is none yet. */
export function RuleEditor({
  scope,
  stored,
  farther,
  onDone,
}: {
  scope: string;
  stored: Rule | undefined;
  farther: Chain;
  onDone: () => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const nameOf = useScopeName();
  const { message } = App.useApp();
  const [began, setBegan] = useState(stored);
  const [rule, setRule] = useState<Rule>(stored ?? {});
  const { problems, isBusy, save, forget } = useSaving((field) => FIELDS.test(field));
  const hasChanged = JSON.stringify(began) !== JSON.stringify(stored);

  function saveIt(): void {
    void save(async () => {
      await put("/api/alert/rules/{scope}", { path: { scope }, body: rule });
      message.success(t("saved"));
      onDone();
    });
  }

  function takeStored(): void {
    setBegan(stored);
    setRule(stored ?? {});
    forget();
  }

  return (
    <Form layout="vertical" onFinish={saveIt}>
      {hasChanged && !isBusy ? (
        <Alert
          className="block"
          type="warning"
          showIcon
          title={t("changed_meanwhile")}
          action={
            <Button size="small" onClick={takeStored}>
              {t("take_stored")}
            </Button>
          }
        />
      ) : null}
      <OtherProblems problems={problems} />
      <section className="panel">
        <h2>{t("who_is_told")}</h2>
        <Delivery
          key={JSON.stringify(began)}
          rule={rule}
          farther={farther}
          problems={problems}
          onChange={setRule}
        />
      </section>
      <section className="panel">
        <h2>{t("what_is_watched")}</h2>
        <Conditions
          key={JSON.stringify(began)}
          scope={scope}
          rule={rule}
          farther={farther}
          problems={problems}
          onChange={setRule}
        />
      </section>
      <div className="bar">
        <Button type="primary" htmlType="submit" loading={isBusy}>
          {common("save")}
        </Button>
        <Button onClick={onDone}>{common("cancel")}</Button>
        <CopyCurl
          command={{
            method: "PUT",
            path: "/api/alert/rules/{scope}",
            options: { path: { scope }, body: rule },
          }}
        />
        {stored ? (
          <Action
            name={t("delete_rule")}
            danger
            question={t("delete_question", { scope: nameOf(scope) })}
            command={{
              method: "DELETE",
              path: "/api/alert/rules/{scope}",
              options: { path: { scope } },
            }}
            done={t("deleted")}
            onDone={onDone}
          />
        ) : null}
      </div>
    </Form>
  );
}

import { Alert, App, Button, Checkbox, Form, Input, InputNumber } from "antd";
import { type ReactNode, useState } from "react";
import { post, put } from "@/api/client";
import { useMayAct } from "@/api/session";
import { CopyCurl } from "@/parts/action";
import { NO_PROBLEMS } from "@/parts/problems";
import { type AppConfiguration, NEW_APP, problemsOf } from "./fields";
import { useWords } from "./words";

/** The form of an app: publishes a new one, or changes `initial`. */
export function AppForm({
  initial,
  onDone,
  onCancel,
}: {
  initial?: AppConfiguration;
  onDone: (appName: string) => void;
  onCancel: () => void;
}) {
  const t = useWords();
  const mayAct = useMayAct();
  const { message } = App.useApp();
  const [app, setApp] = useState<AppConfiguration>(initial ?? NEW_APP);
  const [problems, setProblems] = useState(NO_PROBLEMS);
  const [isBusy, setIsBusy] = useState(false);
  if (!mayAct) return <Alert type="info" showIcon title={t("guest")} />;

  // An update keeps whether the app is disabled.
  const { disabled, ...others } = app;
  const body = initial ? others : disabled ? app : others;

  function set(changed: Partial<AppConfiguration>): void {
    setApp((before) => ({ ...before, ...changed }));
    const names = Object.keys(changed);
    setProblems(({ fields, others: rest }) => ({
      fields: Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name))),
      others: rest,
    }));
  }

  async function save(): Promise<void> {
    setIsBusy(true);
    try {
      await (initial ? put("/api/app", { body }) : post("/api/app", { body }));
      message.success(t(initial ? "saved" : "published", { name: app.appName }));
      onDone(app.appName);
    } catch (error) {
      setProblems(problemsOf(error));
    } finally {
      setIsBusy(false);
    }
  }

  function field(name: keyof AppConfiguration, label: string, hint: string, input: ReactNode): ReactNode {
    const said = problems.fields[name];
    return (
      <Form.Item
        key={name}
        htmlFor={name}
        label={label}
        extra={hint}
        required={name === "appName" || name === "appURL" || name === "bootstrapScript"}
        validateStatus={said ? "error" : ""}
        help={said ? <span role="alert">{said}</span> : undefined}
      >
        {input}
      </Form.Item>
    );
  }

  return (
    <Form layout="vertical" className="form panel" onFinish={() => void save()}>
      {problems.others.map((text) => (
        <Alert key={text} className="block" type="error" showIcon title={text} />
      ))}
      {field(
        "appName",
        t("name"),
        t("name_hint"),
        <Input
          id="appName"
          autoFocus={!initial}
          disabled={initial !== undefined}
          value={app.appName}
          onChange={(event) => set({ appName: event.target.value })}
        />,
      )}
      {field(
        "appURL",
        t("url"),
        t("url_hint"),
        <Input id="appURL" value={app.appURL} onChange={(event) => set({ appURL: event.target.value })} />,
      )}
      {field(
        "bootstrapScript",
        t("script"),
        t("script_hint"),
        <Input.TextArea
          id="bootstrapScript"
          className="mono"
          rows={3}
          value={app.bootstrapScript}
          onChange={(event) => set({ bootstrapScript: event.target.value })}
        />,
      )}
      {field(
        "cpuCount",
        t("cpu"),
        t("resources_hint"),
        <InputNumber
          controls={false}
          id="cpuCount"
          value={app.cpuCount}
          onChange={(value) => set({ cpuCount: value ?? 0 })}
        />,
      )}
      {field(
        "memoryMB",
        t("memory"),
        t("resources_hint"),
        <InputNumber
          controls={false}
          id="memoryMB"
          value={app.memoryMB}
          onChange={(value) => set({ memoryMB: value ?? 0 })}
        />,
      )}
      {field(
        "eventTraceSamplingCount",
        t("sampling"),
        t("sampling_hint"),
        <InputNumber
          controls={false}
          id="eventTraceSamplingCount"
          value={app.eventTraceSamplingCount}
          onChange={(value) => set({ eventTraceSamplingCount: value ?? 0 })}
        />,
      )}
      <Form.Item extra={t("cache_hint")}>
        <Checkbox
          checked={app.appCacheEnable}
          onChange={(event) => set({ appCacheEnable: event.target.checked })}
        >
          {t("cache")}
        </Checkbox>
      </Form.Item>
      {initial ? null : (
        <Form.Item>
          <Checkbox checked={disabled} onChange={(event) => set({ disabled: event.target.checked })}>
            {t("disabled")}
          </Checkbox>
        </Form.Item>
      )}
      <div className="bar">
        <Button type="primary" htmlType="submit" loading={isBusy}>
          {initial ? t("save") : t("publish")}
        </Button>
        <Button onClick={onCancel}>{t("cancel")}</Button>
        <CopyCurl command={{ method: initial ? "PUT" : "POST", path: "/api/app", options: { body } }} />
      </div>
    </Form>
  );
}

import { Alert, Checkbox, Input, Select } from "antd";
import { useEditing } from "../editing";
import { Field } from "../field";
import { type JobFields, kindOf } from "../fields";
import { useWords } from "../words";

type Handler = JobFields["jobErrorHandlerType"];

/** What each handler that sends a message needs, and its other settings (docs/error-handlers.md). */
const HANDLER_PROPS: Partial<Record<Handler, { needed: string[]; optional: string[] }>> = {
  EMAIL: {
    needed: ["email.host", "email.port", "email.from", "email.to"],
    optional: ["email.cc", "email.username", "email.password", "email.useSsl", "email.subject"],
  },
  WECHAT: { needed: ["wechat.webhook"], optional: [] },
  DINGTALK: { needed: ["dingtalk.webhook"], optional: ["dingtalk.secret", "dingtalk.keyword"] },
  WEBHOOK: { needed: ["webhook.url"], optional: [] },
};

const HANDLERS: readonly Handler[] = ["LOG", "THROW", "IGNORE", "EMAIL", "WECHAT", "DINGTALK", "WEBHOOK"];

/** The props that the chosen handler has fields for. */
export function handlerProps(handler: Handler): readonly string[] {
  const found = HANDLER_PROPS[handler];
  return found ? [...found.needed, ...found.optional] : [];
}

export function Behaviour() {
  const t = useWords();
  const { job, set } = useEditing();
  const isDaemon = job.jobExecutionType === "DAEMON";
  return (
    <section className="panel">
      <h2>{t("behaviour")}</h2>
      <div className="job-form-checks">
        <Checkbox
          checked={job.failover || isDaemon}
          disabled={isDaemon}
          onChange={({ target }) => set({ failover: target.checked })}
        >
          {t("failover")}
        </Checkbox>
        <p className="calm">{isDaemon ? t("failover_daemon") : t("failover_hint")}</p>
        <Checkbox
          checked={job.misfire}
          disabled={isDaemon}
          onChange={({ target }) => set({ misfire: target.checked })}
        >
          {t("misfire")}
        </Checkbox>
        <p className="calm">{t("misfire_hint")}</p>
      </div>
      <ErrorHandler />
    </section>
  );
}

function ErrorHandler() {
  const t = useWords();
  const { job, set, setProp } = useEditing();
  const settings = HANDLER_PROPS[job.jobErrorHandlerType];
  const isScript = kindOf(job.props) === "script";
  return (
    <>
      <Field id="jobErrorHandlerType" label={t("error_handler")} hint={t("error_handler_hint")}>
        <Select
          id="jobErrorHandlerType"
          className="job-form-choice"
          value={job.jobErrorHandlerType}
          onChange={(jobErrorHandlerType: Handler) => set({ jobErrorHandlerType })}
          options={HANDLERS.map((value) => ({ value, label: t(`handler_${value}`) }))}
        />
      </Field>
      {settings && isScript ? (
        <Alert className="block" type="warning" showIcon title={t("handler_no_script")} />
      ) : null}
      {settings ? (
        <div className="job-form-row">
          {[...settings.needed, ...settings.optional].map((name) => (
            <Field key={name} id={name} label={name} required={settings.needed.includes(name)}>
              <Input
                id={name}
                value={job.props[name] ?? ""}
                onChange={({ target }) => setProp(name, target.value)}
              />
            </Field>
          ))}
        </div>
      ) : null}
    </>
  );
}

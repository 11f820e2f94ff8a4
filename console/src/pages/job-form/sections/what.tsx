import { Checkbox, Input, InputNumber, Radio, Select } from "antd";
import { useEditing } from "../editing";
import { Field } from "../field";
import {
  HTTP_CONNECT_TIMEOUT,
  HTTP_CONTENT_TYPE,
  HTTP_DATA,
  HTTP_METHOD,
  HTTP_READ_TIMEOUT,
  HTTP_URI,
  type Kind,
  kindOf,
  propsOfKind,
  SCRIPT,
  SCRIPT_CONTEXT,
  STREAMING,
} from "../fields";
import { useWords } from "../words";

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/** What the job runs: a command, the app's code, or an HTTP request. */
export function What() {
  const t = useWords();
  const { job, set } = useEditing();
  const kind = kindOf(job.props);
  return (
    <section className="panel">
      <h2>{t("what")}</h2>
      <Field id="kind" label={t("kind")} hint={t(`${kind}_hint`)}>
        <Radio.Group
          id="kind"
          aria-label={t("kind")}
          value={kind}
          onChange={({ target }) => set({ props: propsOfKind(job.props, target.value as Kind) })}
          options={[
            { value: "script", label: t("script") },
            { value: "code", label: t("code") },
            { value: "http", label: t("http") },
          ]}
        />
      </Field>
      {kind === "script" ? <Script /> : kind === "http" ? <Http /> : <Code />}
    </section>
  );
}

/** What the server says of `props` stands at the field that it names. */
function usePropProblem(): (name: string) => string {
  const { problemOf } = useEditing();
  const said = problemOf("props");
  return (name) => (said.includes(`'${name}'`) ? said : "");
}

function Script() {
  const t = useWords();
  const { job, setProp } = useEditing();
  const problem = usePropProblem();
  return (
    <>
      <Field id="script" label={t("command")} required problem={problem(SCRIPT)} hint={t("command_hint")}>
        <Input.TextArea
          id="script"
          className="mono"
          rows={2}
          spellCheck={false}
          value={job.props[SCRIPT] ?? ""}
          onChange={({ target }) => setProp(SCRIPT, target.value, true)}
        />
      </Field>
      <Checkbox
        checked={(job.props[SCRIPT_CONTEXT] ?? "true").toLowerCase() !== "false"}
        onChange={({ target }) => setProp(SCRIPT_CONTEXT, target.checked ? "" : "false")}
      >
        {t("pass_context")}
      </Checkbox>
    </>
  );
}

function Code() {
  const t = useWords();
  const { job, set, setProp } = useEditing();
  return (
    <>
      <Field
        id="jobExecutorServiceHandlerType"
        label={t("executor_service")}
        hint={t("executor_service_hint")}
      >
        <Select
          id="jobExecutorServiceHandlerType"
          value={job.jobExecutorServiceHandlerType}
          onChange={(jobExecutorServiceHandlerType) => set({ jobExecutorServiceHandlerType })}
          options={[
            { value: "CPU" as const, label: t("threads") },
            { value: "SINGLE_THREAD" as const, label: t("one_thread") },
            { value: "PROCESS" as const, label: t("processes") },
          ]}
        />
      </Field>
      <Checkbox
        checked={(job.props[STREAMING] ?? "").toLowerCase() === "true"}
        onChange={({ target }) => setProp(STREAMING, target.checked ? "true" : "")}
      >
        {t("streaming")}
      </Checkbox>
    </>
  );
}

function Http() {
  const t = useWords();
  const { job, setProp } = useEditing();
  const problem = usePropProblem();
  return (
    <>
      <Field id="uri" label={t("uri")} required problem={problem(HTTP_URI)}>
        <Input
          id="uri"
          inputMode="url"
          placeholder="https://example.org/run"
          value={job.props[HTTP_URI] ?? ""}
          onChange={({ target }) => setProp(HTTP_URI, target.value, true)}
        />
      </Field>
      <div className="job-form-row">
        <Field id="method" label={t("method")} problem={problem(HTTP_METHOD)}>
          <Select
            id="method"
            allowClear
            placeholder={job.props[HTTP_DATA] ? "POST" : "GET"}
            value={job.props[HTTP_METHOD] ?? null}
            onChange={(method: string | undefined) => setProp(HTTP_METHOD, method ?? "")}
            options={METHODS.map((method) => ({ value: method, label: method }))}
          />
        </Field>
        <Field id="contentType" label={t("content_type")}>
          <Input
            id="contentType"
            placeholder="application/json"
            value={job.props[HTTP_CONTENT_TYPE] ?? ""}
            onChange={({ target }) => setProp(HTTP_CONTENT_TYPE, target.value)}
          />
        </Field>
        <Milliseconds
          id="connectTimeout"
          name={HTTP_CONNECT_TIMEOUT}
          label={t("connect_timeout")}
          usual="3000"
        />
        <Milliseconds id="readTimeout" name={HTTP_READ_TIMEOUT} label={t("read_timeout")} usual="5000" />
      </div>
      <Field id="data" label={t("data")}>
        <Input.TextArea
          id="data"
          className="mono"
          rows={2}
          value={job.props[HTTP_DATA] ?? ""}
          onChange={({ target }) => setProp(HTTP_DATA, target.value)}
        />
      </Field>
    </>
  );
}

function Milliseconds({
  id,
  name,
  label,
  usual,
}: {
  id: string;
  name: string;
  label: string;
  usual: string;
}) {
  const { job, setProp } = useEditing();
  const problem = usePropProblem();
  return (
    <Field id={id} label={label} problem={problem(name)}>
      <InputNumber
        controls={false}
        id={id}
        className="job-form-number"
        stringMode
        placeholder={usual}
        value={job.props[name] ?? null}
        onChange={(value) => setProp(name, value === null ? "" : String(value))}
      />
    </Field>
  );
}

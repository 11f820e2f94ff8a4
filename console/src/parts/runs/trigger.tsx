import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { useNavigate } from "@tanstack/react-router";
import { App, Button, Form, Input, InputNumber } from "antd";
import { useState } from "react";
import { AskDialog } from "../ask";
import "./runs.css";
import type { RunConfiguration } from "./types";
import { useWords } from "./words";

type Base = Pick<
  RunConfiguration,
  "jobParameter" | "shardingItemParameters" | "shardingTotalCount" | "props"
>;

interface Prop {
  id: number;
  name: string;
  value: string;
}

interface Fields {
  jobParameter: string;
  shardingItemParameters: string;
  shardingTotalCount: number;
  props: readonly Prop[];
}

/** They cannot be replaced for one run. */
const FIXED = new Set(["script.command.line", "http.uri"]);

function fieldsOf(base: Base): Fields {
  return {
    jobParameter: base.jobParameter,
    shardingItemParameters: base.shardingItemParameters,
    shardingTotalCount: base.shardingTotalCount,
    props: Object.entries(base.props)
      .filter(([name]) => !FIXED.has(name))
      .map(([name, value], id) => ({ id, name, value })),
  };
}

/** What differs from the job: only that is sent, so that the rest is as the job is at that moment. */
function overridesOf(fields: Fields, job: Base): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const name of ["jobParameter", "shardingItemParameters", "shardingTotalCount"] as const) {
    if (fields[name] !== job[name]) given[name] = fields[name];
  }
  const props = fields.props.filter(({ name, value }) => name !== "" && job.props[name] !== value);
  if (props.length > 0) given.props = Object.fromEntries(props.map(({ name, value }) => [name, value]));
  return given;
}

/**
 * Trigger a job, with parameters for this run alone. It begins with those of the job, or with those of the run `from`
 * that is to be triggered again. Then it leads to the new run.
 */
export function TriggerDialog({
  jobName,
  job,
  from,
  isOpen,
  onClose,
}: {
  jobName: string;
  job: Base;
  from?: Base;
  isOpen: boolean;
  onClose: () => void;
}) {
  // Only mounted while it is open, so that it begins anew each time, and no update from the server touches it.
  return isOpen ? (
    <OpenDialog jobName={jobName} job={job} onClose={onClose} {...(from ? { from } : {})} />
  ) : null;
}

function OpenDialog({
  jobName,
  job: present,
  from,
  onClose,
}: {
  jobName: string;
  job: Base;
  from?: Base;
  onClose: () => void;
}) {
  const t = useWords();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [job] = useState(present);
  const [fields, setFields] = useState<Fields>(() => fieldsOf(from ?? present));
  const overrides = overridesOf(fields, job);
  const set = (changed: Partial<Fields>): void => setFields({ ...fields, ...changed });

  function onDone(_: unknown, response: Response): void {
    const id = response.headers.get("X-Run-Id") ?? "";
    message.success(t("trigger_started", { id, job: jobName }));
    if (id !== "") void navigate({ to: "/runs/$runId", params: { runId: id } });
  }

  return (
    <AskDialog
      isOpen
      onClose={onClose}
      name={t(from ? "trigger_again" : "trigger")}
      question={t("trigger_question", { job: jobName })}
      width={640}
      commands={[{ method: "POST", path: "/api/job/trigger", options: { body: { jobName, ...overrides } } }]}
      onDone={onDone}
    >
      <Form layout="vertical" component="div">
        <Form.Item label={t("job_parameter")} htmlFor="trigger-parameter">
          <Input
            id="trigger-parameter"
            value={fields.jobParameter}
            onChange={(event) => set({ jobParameter: event.target.value })}
          />
        </Form.Item>
        <Form.Item
          label={t("sharding_parameters")}
          htmlFor="trigger-items"
          extra={t("sharding_parameters_hint")}
        >
          <Input.TextArea
            id="trigger-items"
            rows={3}
            value={fields.shardingItemParameters}
            onChange={(event) => set({ shardingItemParameters: event.target.value })}
          />
        </Form.Item>
        <Form.Item label={t("sharding_total")} htmlFor="trigger-total">
          <InputNumber
            controls={false}
            id="trigger-total"
            min={1}
            max={10_000}
            precision={0}
            value={fields.shardingTotalCount}
            onChange={(count) => set({ shardingTotalCount: count ?? job.shardingTotalCount })}
          />
        </Form.Item>
        <fieldset className="runs-props">
          <legend>{t("props")}</legend>
          {fields.props.map((prop, at) => (
            <PropRow
              key={prop.id}
              n={at + 1}
              prop={prop}
              onChange={(next) =>
                set({ props: fields.props.map((each) => (each.id === prop.id ? next : each)) })
              }
              onRemove={() => set({ props: fields.props.filter((each) => each.id !== prop.id) })}
            />
          ))}
          <Button
            size="small"
            icon={<PlusOutlined aria-hidden />}
            onClick={() =>
              set({ props: [...fields.props, { id: nextId(fields.props), name: "", value: "" }] })
            }
          >
            {t("add_prop")}
          </Button>
          <p className="calm">{t("props_fixed")}</p>
        </fieldset>
      </Form>
      <p aria-live="polite">
        {Object.keys(overrides).length === 0 ? (
          t("nothing_changed")
        ) : (
          <>
            {t("changed")} <code className="mono runs-whole">{JSON.stringify(overrides)}</code>
          </>
        )}
      </p>
    </AskDialog>
  );
}

function nextId(props: readonly Prop[]): number {
  return 1 + Math.max(-1, ...props.map(({ id }) => id));
}

function PropRow({
  n,
  prop,
  onChange,
  onRemove,
}: {
  n: number;
  prop: Prop;
  onChange: (prop: Prop) => void;
  onRemove: () => void;
}) {
  const t = useWords();
  return (
    <div className="bar">
      <Input
        className="runs-prop-name"
        aria-label={t("prop_name_of", { n })}
        placeholder={t("prop_name")}
        value={prop.name}
        onChange={(event) => onChange({ ...prop, name: event.target.value })}
      />
      <Input
        className="runs-prop-value"
        aria-label={t("prop_value_of", { n })}
        placeholder={t("prop_value")}
        value={prop.value}
        onChange={(event) => onChange({ ...prop, value: event.target.value })}
      />
      <Button
        type="text"
        icon={<DeleteOutlined aria-hidden />}
        aria-label={t("remove_prop", { n })}
        onClick={onRemove}
      />
    </div>
  );
}

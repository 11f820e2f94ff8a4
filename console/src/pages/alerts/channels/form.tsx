import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button, Form, Input, InputNumber, Modal, Select } from "antd";
import { type ReactNode, useState } from "react";
import { put } from "@/api/client";
import { CopyCurl } from "@/parts/action";
import { Field, OtherProblems } from "../common/field";
import { useSaving } from "../common/problems";
import { useCommonWords } from "../common/words";
import {
  bodyOf,
  type Channel,
  type ChannelField,
  type ChannelType,
  type Draft,
  draftOf,
  FIELDS_OF,
  MASK,
  TYPES,
} from "./types";
import { useWords } from "./words";

const SECRETS: ReadonlySet<ChannelField> = new Set(["secret", "password"]);
const PORTS: Readonly<Record<string, number>> = { ssl: 465, starttls: 587, none: 25 };

/** The form of a channel: a new one, or changes `channel`. What is secret is `***`, which keeps it. */
export function ChannelDialog({ channel, onClose }: { channel: Channel | undefined; onClose: () => void }) {
  const t = useWords();
  const common = useCommonWords();
  const hintOf = useHint();
  const { message } = App.useApp();
  const [draft, setDraft] = useState<Draft>(() => draftOf(channel));
  const fields = FIELDS_OF[draft.type];
  const { problems, isBusy, save } = useSaving(
    (field) => field === "name" || field === "type" || fields.includes(field as ChannelField),
  );
  const body = bodyOf(draft);
  const name = draft.name.trim();

  function saveIt(): void {
    void save(async () => {
      await put("/api/alert/channels/{name}", { path: { name }, body });
      message.success(t("saved", { name }));
      onClose();
    });
  }

  return (
    <Modal
      open
      title={channel ? t("edit_title", { name: channel.name }) : t("new")}
      onCancel={onClose}
      width={640}
      footer={[
        <CopyCurl
          key="curl"
          command={{
            method: "PUT",
            path: "/api/alert/channels/{name}",
            options: { path: { name }, body },
          }}
        />,
        <Button key="cancel" onClick={onClose}>
          {common("cancel")}
        </Button>,
        <Button key="go" type="primary" loading={isBusy} disabled={name === ""} onClick={saveIt}>
          {common("save")}
        </Button>,
      ]}
    >
      <OtherProblems problems={problems} />
      <Form layout="vertical" onFinish={saveIt}>
        <div className="alerts-row">
          <Field
            id="channel-name"
            label={t("name")}
            required
            hint={channel ? undefined : t("name_hint")}
            problem={problems.fields.name}
          >
            <Input
              id="channel-name"
              disabled={channel !== undefined}
              value={draft.name}
              onChange={({ target }) => setDraft({ ...draft, name: target.value })}
            />
          </Field>
          <Field id="channel-type" label={t("type")} required problem={problems.fields.type}>
            <Select
              id="channel-type"
              disabled={channel !== undefined}
              value={draft.type}
              onChange={(type: ChannelType) => setDraft({ ...draft, type })}
              options={TYPES.map((type) => ({ value: type, label: t(`type_${type}`) }))}
            />
          </Field>
        </div>
        {fields.map((field) => (
          <Field
            key={field}
            id={`channel-${field}`}
            label={t(draft.type === "pagerduty" && field === "secret" ? "routing_key" : field)}
            required={isRequired(draft.type, field)}
            hint={hintOf(draft.type, field, isMasked(draft, field))}
            problem={problems.fields[field]}
          >
            <FieldInput field={field} draft={draft} onChange={setDraft} />
          </Field>
        ))}
      </Form>
    </Modal>
  );
}

function isRequired(type: ChannelType, field: ChannelField): boolean {
  if (type === "pagerduty") return field === "secret";
  return ["url", "host", "from", "to"].includes(field);
}

function isMasked(draft: Draft, field: ChannelField): boolean {
  if (field === "headers") return draft.headers.some(({ value }) => value === MASK);
  return (draft.texts[field] ?? "").includes(MASK);
}

function useHint(): (type: ChannelType, field: ChannelField, isMasked: boolean) => string | undefined {
  const t = useWords();
  return (type, field, isMasked) => {
    if (isMasked) return t("masked");
    if (field === "secret" && type === "webhook") return t("secret_hint");
    if (field === "url" && type === "pagerduty") return t("pagerduty_url_hint");
    if (field === "url" && type === "alertmanager") return t("alertmanager_url_hint");
    if (field === "keyword") return t("keyword_hint");
    if (field === "mentions") return t(type === "wecom" ? "mentions_wecom_hint" : "mentions_hint");
    if (field === "to") return t("to_hint");
    return undefined;
  };
}

function FieldInput({
  field,
  draft,
  onChange,
}: {
  field: ChannelField;
  draft: Draft;
  onChange: (draft: Draft) => void;
}): ReactNode {
  const t = useWords();
  const id = `channel-${field}`;
  const text = draft.texts[field] ?? "";
  const setText = (value: string): void => onChange({ ...draft, texts: { ...draft.texts, [field]: value } });
  if (field === "headers") return <Headers id={id} draft={draft} onChange={onChange} />;
  if (field === "mentions" || field === "to") {
    return (
      <Select
        id={id}
        mode="tags"
        open={false}
        suffixIcon={null}
        tokenSeparators={[",", " ", ";"]}
        value={[...(draft.lists[field] ?? [])]}
        onChange={(list: string[]) => onChange({ ...draft, lists: { ...draft.lists, [field]: list } })}
      />
    );
  }
  if (field === "tls") {
    return (
      <Select
        id={id}
        value={text || "ssl"}
        onChange={setText}
        options={["ssl", "starttls", "none"].map((value) => ({
          value,
          label: t(`tls_${value}` as "tls_ssl"),
        }))}
      />
    );
  }
  if (field === "port") {
    return (
      <InputNumber
        controls={false}
        id={id}
        className="alerts-number"
        placeholder={String(PORTS[draft.texts.tls ?? "ssl"] ?? 465)}
        value={text === "" ? null : Number(text)}
        onChange={(value) => setText(value === null ? "" : String(value))}
      />
    );
  }
  if (SECRETS.has(field)) {
    return (
      <Input.Password
        id={id}
        autoComplete="new-password"
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
    );
  }
  return (
    <Input
      id={id}
      {...(field === "url" ? { placeholder: "https://", inputMode: "url" as const } : {})}
      autoComplete="off"
      value={text}
      onChange={({ target }) => setText(target.value)}
    />
  );
}

function Headers({ id, draft, onChange }: { id: string; draft: Draft; onChange: (draft: Draft) => void }) {
  const t = useWords();
  const { headers } = draft;
  const change = (changed: number, part: Partial<(typeof headers)[number]>): void =>
    onChange({
      ...draft,
      headers: headers.map((each) => (each.id === changed ? { ...each, ...part } : each)),
    });
  return (
    <fieldset id={id} className="alerts-fieldset" aria-label={t("headers")}>
      {headers.map((header) => (
        <div key={header.id} className="alerts-header">
          <Input
            aria-label={t("header_name")}
            placeholder={t("header_name")}
            value={header.name}
            onChange={({ target }) => change(header.id, { name: target.value })}
          />
          <Input
            aria-label={t("header_value", { name: header.name })}
            autoComplete="off"
            value={header.value}
            onChange={({ target }) => change(header.id, { value: target.value })}
          />
          <Button
            icon={<DeleteOutlined aria-hidden />}
            aria-label={t("header_remove", { name: header.name })}
            onClick={() =>
              onChange({ ...draft, headers: headers.filter(({ id: each }) => each !== header.id) })
            }
          />
        </div>
      ))}
      <Button
        size="small"
        icon={<PlusOutlined aria-hidden />}
        onClick={() =>
          onChange({
            ...draft,
            headers: [
              ...headers,
              { id: Math.max(0, ...headers.map((each) => each.id)) + 1, name: "", value: "" },
            ],
          })
        }
      >
        {t("header_add")}
      </Button>
    </fieldset>
  );
}

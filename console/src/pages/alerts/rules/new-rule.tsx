import { Button, Form, Modal, Radio } from "antd";
import { useState } from "react";
import { Field } from "../common/field";
import { AppPicker, JobPicker } from "../common/pickers";
import { useCommonWords } from "../common/words";
import { useWords } from "./words";

/** Asks which app or job a new rule is for. */
export function NewRule({ onClose, onChosen }: { onClose: () => void; onChosen: (scope: string) => void }) {
  const t = useWords();
  const common = useCommonWords();
  const [kind, setKind] = useState<"job" | "app">("job");
  const [name, setName] = useState("");
  const Picker = kind === "job" ? JobPicker : AppPicker;
  const go = (): void => {
    if (name) onChosen(`${kind}:${name}`);
  };
  return (
    <Modal
      open
      title={t("new")}
      onCancel={onClose}
      footer={[
        <Button key="cancel" onClick={onClose}>
          {common("cancel")}
        </Button>,
        <Button key="go" type="primary" disabled={name === ""} onClick={go}>
          {t("go_on")}
        </Button>,
      ]}
    >
      <Form layout="vertical" onFinish={go}>
        <Field id="new-rule-kind" label={t("for_what")}>
          <Radio.Group
            id="new-rule-kind"
            aria-label={t("for_what")}
            value={kind}
            onChange={({ target }) => {
              setKind(target.value as "job" | "app");
              setName("");
            }}
            options={[
              { value: "job", label: common("job") },
              { value: "app", label: common("app") },
            ]}
          />
        </Field>
        <Field id="new-rule-name" label={t("name_of_it")} hint={t("name_hint")}>
          <Picker key={kind} id="new-rule-name" value={name} placeholder="" onChange={setName} />
        </Field>
      </Form>
    </Modal>
  );
}

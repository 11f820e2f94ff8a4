import { Alert, App, Button, Checkbox, Modal, Radio } from "antd";
import { useState } from "react";
import { useMayAct } from "@/api/session";
import { HowFar, type Selection } from "./bulk";
import { exportJobs, type Format, saveFile } from "./export-jobs";
import { useWords } from "./words";
import { useWork } from "./work";

/** Export what is selected, or all that match, as a file. */
export default function Exporting({ selection, onClose }: { selection: Selection; onClose: () => void }) {
  const t = useWords();
  const { message } = App.useApp();
  const mayAct = useMayAct();
  const [format, setFormat] = useState<Format>("yaml");
  const [withSecrets, setWithSecrets] = useState(false);
  const [problem, setProblem] = useState("");
  const work = useWork<string>();
  const count = "names" in selection ? selection.names.length : selection.total;

  function begin(): void {
    setProblem("");
    work.start(count, async (tell, signal) => {
      try {
        const file = await exportJobs(selection, format, withSecrets, tell, signal);
        if (signal.aborted) return;
        saveFile(file, `jobs.${format}`);
        message.success(t("exported", { count }));
        onClose();
      } catch (error) {
        if (!signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      }
    });
  }

  function close(): void {
    work.reset();
    onClose();
  }

  return (
    <Modal
      open
      title={t("export_title", { count })}
      onCancel={close}
      footer={[
        <Button key="cancel" onClick={close}>
          {work.isOn ? t("stop") : t("cancel")}
        </Button>,
        <Button key="go" type="primary" loading={work.isOn} onClick={begin}>
          {t("download")}
        </Button>,
      ]}
    >
      <p>
        <Radio.Group
          aria-label={t("format")}
          value={format}
          onChange={({ target }) => setFormat(target.value as Format)}
          options={[
            { value: "yaml", label: "YAML" },
            { value: "json", label: "JSON" },
          ]}
        />
      </p>
      {mayAct ? (
        <>
          <Checkbox checked={withSecrets} onChange={({ target }) => setWithSecrets(target.checked)}>
            {t("with_secrets")}
          </Checkbox>
          <p className="calm">{t("secrets_hint")}</p>
        </>
      ) : null}
      {work.isOn ? <HowFar done={work.done} total={Math.max(count, work.done)} /> : null}
      {problem ? <Alert type="error" showIcon title={problem} /> : null}
    </Modal>
  );
}

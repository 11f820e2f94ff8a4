import { App, Button, Modal } from "antd";
import { useState } from "react";
import { ApiError, post } from "@/api/client";
import type { Alert } from "../common/conditions";
import { useCommonWords } from "../common/words";
import { useWords } from "./words";

/** Acknowledge many alerts, after a question that says how many. What is over by then needs none. */
export function AcknowledgeMany({
  alerts,
  onClose,
  onDone,
}: {
  alerts: readonly Alert[];
  onClose: () => void;
  onDone: () => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const { message } = App.useApp();
  const [isBusy, setIsBusy] = useState(false);
  const [problems, setProblems] = useState<readonly string[]>([]);

  async function carryOut(): Promise<void> {
    setIsBusy(true);
    const refused: string[] = [];
    for (const { id, condition, subject } of alerts) {
      try {
        await post("/api/alert/events/{id}/acknowledge", { path: { id } });
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) continue;
        const said = error instanceof Error ? error.message : String(error);
        refused.push(`${common(condition)} ${subject}: ${said}`);
      }
    }
    setIsBusy(false);
    setProblems(refused);
    if (refused.length > 0) return;
    message.success(t("acknowledged_many", { count: alerts.length }));
    onDone();
  }

  return (
    <Modal
      open
      title={t("acknowledge")}
      onCancel={onClose}
      footer={[
        <Button key="cancel" onClick={onClose}>
          {common("cancel")}
        </Button>,
        <Button key="go" type="primary" loading={isBusy} onClick={() => void carryOut()}>
          {t("acknowledge")}
        </Button>,
      ]}
    >
      <p>{t("acknowledge_question", { count: alerts.length })}</p>
      <ul className="alerts-list">
        {alerts.map(({ id, condition, subject }) => (
          <li key={id}>
            {common(condition)} <span className="id">{subject}</span>
          </li>
        ))}
      </ul>
      <div role="alert" className="bad">
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </div>
    </Modal>
  );
}

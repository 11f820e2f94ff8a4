import { useBlocker } from "@tanstack/react-router";
import { Button, Modal } from "antd";
import { useWords } from "./words";

/** Asks before a page with unsaved changes is left, or the tab is closed. */
export function Leaving({ isUnsaved }: { isUnsaved: () => boolean }) {
  const t = useWords();
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: isUnsaved,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  });
  return (
    <Modal
      open={status === "blocked"}
      title={t("leave_title")}
      onCancel={() => reset?.()}
      footer={[
        <Button key="stay" type="primary" onClick={() => reset?.()}>
          {t("stay")}
        </Button>,
        <Button key="leave" danger onClick={() => proceed?.()}>
          {t("leave")}
        </Button>,
      ]}
    >
      <p>{t("leave_question")}</p>
    </Modal>
  );
}

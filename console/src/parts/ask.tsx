import { CopyOutlined } from "@ant-design/icons";
import { App, Button, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, send } from "@/api/client";
import { curlOf } from "@/api/curl";
import { useMe } from "@/api/session";
import type { Command } from "./action";
import { copyText } from "./copy";
import { useWords } from "./words";

export interface Question {
  /** The dialog's title and the name of the button that confirms. */
  name: string;
  /** Names what, and how many. */
  question: ReactNode;
  commands: readonly Command[];
  danger?: boolean;
  /** Said when all is done. */
  done?: string;
  onDone?: (answer: unknown, response: Response) => void;
}

/**
 * A dialog that is not bound to the button that opened it: it stays open when the row with that button leaves the
 * page, because a run ended meanwhile, say.
 */
export function useAsk(): [(question: Question) => void, ReactNode] {
  const [asked, setAsked] = useState<Question | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  function ask(question: Question): void {
    setAsked(question);
    setIsOpen(true);
  }
  return [
    ask,
    asked ? <AskDialog key="ask" {...asked} isOpen={isOpen} onClose={() => setIsOpen(false)} /> : null,
  ];
}

/** Asks, carries the commands out one after another, and tells the outcome. What failed stays in the dialog. */
export function AskDialog({
  name,
  question,
  commands,
  danger = false,
  done,
  onDone,
  isOpen,
  onClose,
  disabled = false,
  width = 520,
  children,
}: Question & {
  isOpen: boolean;
  onClose: () => void;
  disabled?: boolean;
  width?: number;
  children?: ReactNode;
}) {
  const t = useWords();
  const { message } = App.useApp();
  const needsToken = useMe().data?.login ?? true;
  const [isBusy, setIsBusy] = useState(false);
  const [problems, setProblems] = useState<readonly string[]>([]);

  function close(): void {
    setProblems([]);
    onClose();
  }

  async function carryOut(): Promise<void> {
    setIsBusy(true);
    setProblems([]);
    const refused: string[] = [];
    for (const { method, path, options } of commands) {
      try {
        const response = await send(method.toLowerCase() as "post" | "put" | "delete", path, options);
        const text = await response.text();
        onDone?.(text ? (JSON.parse(text) as unknown) : null, response);
      } catch (error) {
        refused.push(error instanceof ApiError && error.status === 0 ? t("not_reached") : wordsOf(error));
      }
    }
    setIsBusy(false);
    setProblems(refused);
    if (refused.length > 0) return;
    onClose();
    if (done) message.success(done);
  }

  async function copy(): Promise<void> {
    const lines = commands.map(({ method, path, options }) => curlOf(method, path, options, needsToken));
    await copyText(lines.join("\n"));
    message.success(t("copied"));
  }

  return (
    <Modal
      open={isOpen}
      title={name}
      onCancel={close}
      destroyOnHidden
      width={width}
      footer={[
        <Button
          key="curl"
          icon={<CopyOutlined aria-hidden />}
          disabled={disabled}
          onClick={() => void copy()}
        >
          {t("copy_curl")}
        </Button>,
        <Button key="cancel" onClick={close}>
          {t("cancel")}
        </Button>,
        <Button
          key="go"
          type="primary"
          danger={danger}
          loading={isBusy}
          disabled={disabled}
          onClick={() => void carryOut()}
        >
          {name}
        </Button>,
      ]}
    >
      {typeof question === "string" ? <p>{question}</p> : question}
      {children}
      <div role="alert" className="bad">
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </div>
    </Modal>
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

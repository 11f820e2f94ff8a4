import { CopyOutlined } from "@ant-design/icons";
import { App, Button, type ButtonProps, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { type CallOptions, send } from "@/api/client";
import { curlOf } from "@/api/curl";
import { useMayAct, useMe } from "@/api/session";
import { copyText } from "./copy";
import { useWords } from "./words";

/** One call that changes something. */
export interface Command {
  method: "POST" | "PUT" | "DELETE";
  path: string;
  options?: CallOptions;
}

/** Copies the command for a terminal. */
export function CopyCurl({ command }: { command: Command | (Omit<Command, "method"> & { method: "GET" }) }) {
  const t = useWords();
  const { message } = App.useApp();
  const needsToken = useMe().data?.login ?? true;
  async function copy(): Promise<void> {
    await copyText(curlOf(command.method, command.path, command.options, needsToken));
    message.success(t("copied"));
  }
  return (
    <Button icon={<CopyOutlined aria-hidden />} onClick={() => void copy()}>
      {t("copy_curl")}
    </Button>
  );
}

export interface ActionProps {
  /** The button's visible name; also that of the button that confirms. */
  name: string;
  /** Asked before it is done: names what, and how many. Without it the action is done at once. */
  question?: ReactNode;
  /** More of the dialog: a form, say. */
  children?: ReactNode;
  command: Command;
  /** Said when it is done. */
  done?: string;
  onDone?: (answer: unknown, response: Response) => void;
  danger?: boolean;
  icon?: ReactNode;
  type?: ButtonProps["type"];
  size?: ButtonProps["size"];
  disabled?: boolean;
}

/** A button that carries out a command: asks first, copies as curl, tells the outcome. A guest does not see it. */
export function Action(props: ActionProps) {
  const {
    name,
    question,
    children,
    command,
    done,
    onDone,
    danger = false,
    icon,
    type,
    size,
    disabled,
  } = props;
  const t = useWords();
  const { message } = App.useApp();
  const [isOpen, setIsOpen] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const mayAct = useMayAct();
  if (!mayAct) return null;

  async function carryOut(): Promise<void> {
    setIsBusy(true);
    setProblem("");
    try {
      const response = await send(lower(command.method), command.path, command.options);
      const text = await response.text();
      setIsOpen(false);
      if (done) message.success(done);
      onDone?.(text ? (JSON.parse(text) as unknown) : null, response);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (question === undefined) message.error(said, 8);
      else setProblem(said);
    } finally {
      setIsBusy(false);
    }
  }

  const begin = question === undefined ? () => void carryOut() : () => setIsOpen(true);
  return (
    <>
      <Button
        danger={danger}
        icon={icon}
        loading={isBusy && question === undefined}
        onClick={begin}
        {...(type ? { type } : {})}
        {...(size ? { size } : {})}
        {...(disabled === undefined ? {} : { disabled })}
      >
        {name}
      </Button>
      {question === undefined ? null : (
        <Modal
          open={isOpen}
          title={name}
          onCancel={() => setIsOpen(false)}
          destroyOnHidden
          footer={[
            <CopyCurl key="curl" command={command} />,
            <Button key="cancel" onClick={() => setIsOpen(false)}>
              {t("cancel")}
            </Button>,
            <Button key="go" type="primary" danger={danger} loading={isBusy} onClick={() => void carryOut()}>
              {name}
            </Button>,
          ]}
        >
          <p>{question}</p>
          {children}
          {problem ? (
            <p role="alert" className="bad">
              {problem}
            </p>
          ) : null}
        </Modal>
      )}
    </>
  );
}

function lower(method: Command["method"]): "post" | "put" | "delete" {
  return method.toLowerCase() as "post" | "put" | "delete";
}

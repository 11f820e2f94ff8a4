import { Link } from "@tanstack/react-router";
import { App, Button, Input, Tag } from "antd";
import { useState } from "react";
import { baseUrl } from "@/api/client";
import { copyText } from "../copy";
import { searchOf, type View } from "./store";
import { useWords } from "./words";

export interface ViewRowProps {
  view: View;
  path: string;
  isShown: boolean;
  /** Names of the other views. */
  taken: readonly string[];
  onGo: () => void;
  onRename: (name: string) => void;
  onDelete: () => void;
}

export function ViewRow({ view, path, isShown, taken, onGo, onRename, onDelete }: ViewRowProps) {
  const t = useWords();
  const { message } = App.useApp();
  const [isRenaming, setIsRenaming] = useState(false);
  const { name, search } = view;

  async function copy(): Promise<void> {
    const relative = path.replace(/^\//, "") + (search ? `?${search}` : "");
    await copyText(new URL(relative, baseUrl()).href);
    message.success(t("copied"));
  }

  return (
    <li className="views-row">
      {isRenaming ? (
        <Renaming name={name} taken={taken} onRename={onRename} onClose={() => setIsRenaming(false)} />
      ) : (
        <>
          <span className="views-name">
            <Link to={path} search={searchOf(view)} onClick={onGo}>
              {name}
            </Link>{" "}
            {isShown ? <Tag>{t("shown")}</Tag> : null}
          </span>
          <Button size="small" aria-label={t("copy_link_of", { name })} onClick={() => void copy()}>
            {t("copy_link")}
          </Button>
          <Button size="small" aria-label={t("rename_of", { name })} onClick={() => setIsRenaming(true)}>
            {t("rename")}
          </Button>
          <Button size="small" danger aria-label={t("delete_of", { name })} onClick={onDelete}>
            {t("delete")}
          </Button>
        </>
      )}
    </li>
  );
}

function Renaming({
  name,
  taken,
  onRename,
  onClose,
}: {
  name: string;
  taken: readonly string[];
  onRename: (name: string) => void;
  onClose: () => void;
}) {
  const t = useWords();
  const [typed, setTyped] = useState(name);
  const next = typed.trim();
  const isTaken = taken.includes(next);
  function take(): void {
    if (next === "" || isTaken) return;
    if (next !== name) onRename(next);
    onClose();
  }
  return (
    <>
      <Input
        aria-label={t("renamed", { name })}
        autoFocus
        value={typed}
        maxLength={60}
        status={isTaken ? "error" : ""}
        onChange={({ target }) => setTyped(target.value)}
        onPressEnter={take}
      />
      <Button size="small" type="primary" disabled={next === "" || isTaken} onClick={take}>
        {t("apply")}
      </Button>
      <Button size="small" onClick={onClose}>
        {t("keep")}
      </Button>
      <span role="alert" className="bad">
        {isTaken ? t("taken") : null}
      </span>
    </>
  );
}

import { App, Button, Form, Input, Modal } from "antd";
import { useState } from "react";
import { Nothing } from "../page";
import { ViewRow } from "./row";
import { useViews, type View, withView } from "./store";
import "./views.css";
import { useWords } from "./words";

/** To choose, save, rename, share and delete the views of a list. */
export default function ViewsDialog({
  path,
  filters,
  onClose,
}: {
  path: string;
  filters: string;
  onClose: () => void;
}) {
  const t = useWords();
  const { message } = App.useApp();
  const { views, save } = useViews(path);
  const keep = (next: readonly View[], done: string): void => {
    if (save(next)) message.success(done);
    else message.error(t("not_saved"));
  };
  const without = (view: View): View[] => views.filter(({ name }) => name !== view.name);
  return (
    <Modal
      open
      title={t("title")}
      onCancel={onClose}
      footer={<Button onClick={onClose}>{t("close")}</Button>}
      width={640}
    >
      <p className="calm">{t("where")}</p>
      {views.length === 0 ? (
        <Nothing text={t("none")} />
      ) : (
        <ul className="views" aria-label={t("list")}>
          {views.map((view) => (
            <ViewRow
              key={view.name}
              view={view}
              path={path}
              isShown={view.search === filters}
              taken={without(view).map(({ name }) => name)}
              onGo={onClose}
              onRename={(name) => keep(withView(without(view), { ...view, name }), t("saved", { name }))}
              onDelete={() => keep(without(view), t("deleted", { name: view.name }))}
            />
          ))}
        </ul>
      )}
      <SaveForm
        names={views.map(({ name }) => name)}
        onSave={(name) => keep(withView(views, { name, search: filters }), t("saved", { name }))}
      />
    </Modal>
  );
}

function SaveForm({ names, onSave }: { names: readonly string[]; onSave: (name: string) => void }) {
  const t = useWords();
  const [typed, setTyped] = useState("");
  const name = typed.trim();
  function save(): void {
    if (name === "") return;
    onSave(name);
    setTyped("");
  }
  return (
    <Form layout="inline" onFinish={save} className="views-save">
      <Form.Item label={t("new_name")} htmlFor="views-name">
        <Input
          id="views-name"
          value={typed}
          maxLength={60}
          onChange={({ target }) => setTyped(target.value)}
        />
      </Form.Item>
      <Button type="primary" htmlType="submit" disabled={name === ""}>
        {names.includes(name) ? t("replace", { name }) : t("save")}
      </Button>
    </Form>
  );
}

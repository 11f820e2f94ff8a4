import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input, Table } from "antd";
import { useState } from "react";
import { useEditing } from "../editing";
import { Field } from "../field";
import { kindOf, ownProps } from "../fields";
import { useWords } from "../words";
import { handlerProps } from "./behaviour";

interface Entry {
  id: number;
  name: string;
  value: string;
}

/** All other `props`, by name and value. Those that have a field above are not here. */
export function Props() {
  const t = useWords();
  const { job, set, problemOf } = useEditing();
  const taken = new Set([...ownProps(kindOf(job.props)), ...handlerProps(job.jobErrorHandlerType)]);
  const others = Object.entries(job.props).filter(([name]) => !taken.has(name));
  const [entries, setEntries] = useState<Entry[]>(() =>
    others.map(([name, value], id) => ({ id, name, value })),
  );
  // The fields above may have taken an entry over, or left one behind.
  const shown = reconciled(entries, others);
  const isTwice = new Set(shown.map(({ name }) => name)).size < shown.length;
  const said = problemOf("props");
  const isElsewhere = [...taken].some((name) => said.includes(`'${name}'`));

  function put(next: Entry[]): void {
    setEntries(next);
    const own = Object.entries(job.props).filter(([name]) => taken.has(name));
    const named = next.filter(({ name }) => name !== "").map(({ name, value }) => [name, value] as const);
    set({ props: { ...Object.fromEntries(own), ...Object.fromEntries(named) } });
  }

  function change(id: number, changed: Partial<Entry>): void {
    put(shown.map((entry) => (entry.id === id ? { ...entry, ...changed } : entry)));
  }

  return (
    <details className="panel" open={shown.length > 0}>
      <summary>
        <h2>{t("props")}</h2>
      </summary>
      <Field id="props" label={t("props_label")} hint={t("props_hint")} problem={isElsewhere ? "" : said}>
        <div id="props">
          <Table<Entry>
            size="small"
            rowKey="id"
            className="job-form-table"
            pagination={{ pageSize: 20, hideOnSinglePage: true, showSizeChanger: false }}
            dataSource={shown}
            locale={{ emptyText: <span className="calm">{t("no_props")}</span> }}
            columns={[
              {
                key: "name",
                title: t("key"),
                render: (_, { id, name }, index) => (
                  <Input
                    className="mono"
                    aria-label={t("key_of", { n: index + 1 })}
                    value={name}
                    onChange={({ target }) => change(id, { name: target.value })}
                  />
                ),
              },
              {
                key: "value",
                title: t("value"),
                render: (_, { id, value }, index) => (
                  <Input
                    className="mono"
                    aria-label={t("value_of", { n: index + 1 })}
                    value={value}
                    onChange={({ target }) => change(id, { value: target.value })}
                  />
                ),
              },
              {
                key: "remove",
                title: t("remove"),
                width: 48,
                render: (_, { id }, index) => (
                  <Button
                    type="text"
                    icon={<DeleteOutlined aria-hidden />}
                    aria-label={t("remove_of", { n: index + 1 })}
                    onClick={() => put(shown.filter((entry) => entry.id !== id))}
                  />
                ),
              },
            ]}
          />
          {isTwice ? <p className="bad">{t("prop_twice")}</p> : null}
          <Button
            icon={<PlusOutlined aria-hidden />}
            onClick={() =>
              setEntries([
                ...shown,
                { id: Math.max(-1, ...shown.map(({ id }) => id)) + 1, name: "", value: "" },
              ])
            }
          >
            {t("add_prop")}
          </Button>
        </div>
      </Field>
    </details>
  );
}

function reconciled(entries: readonly Entry[], others: readonly (readonly [string, string])[]): Entry[] {
  const present = new Map(others);
  const kept = entries.filter(({ name }) => name === "" || present.has(name));
  const known = new Set(kept.map(({ name }) => name));
  let id = Math.max(-1, ...entries.map((entry) => entry.id));
  const added = others
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => {
      id += 1;
      return { id, name, value };
    });
  return [...kept, ...added];
}

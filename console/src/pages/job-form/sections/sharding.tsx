import { Input, InputNumber, Segmented, Table } from "antd";
import { useState } from "react";
import { useEditing } from "../editing";
import { Field } from "../field";
import { useWords } from "../words";
import { readItems, writeItems } from "./items";

const MOST_SHARDS = 10_000;
const ROWS = 10;

export function Sharding() {
  const t = useWords();
  const { job, set } = useEditing();
  return (
    <section className="panel">
      <h2>{t("sharding")}</h2>
      <div className="job-form-row">
        <Field id="shardingTotalCount" label={t("shards")} required>
          <InputNumber
            controls={false}
            id="shardingTotalCount"
            className="job-form-number"
            value={job.shardingTotalCount}
            onChange={(shardingTotalCount) => set({ shardingTotalCount })}
          />
        </Field>
        <Field id="jobParameter" label={t("job_parameter")} hint={t("job_parameter_hint")}>
          <Input
            id="jobParameter"
            value={job.jobParameter}
            onChange={({ target }) => set({ jobParameter: target.value })}
          />
        </Field>
      </div>
      <ItemParameters />
    </section>
  );
}

/** A parameter for each shard: as a table, or as the text that it becomes. */
function ItemParameters() {
  const t = useWords();
  const { job, set } = useEditing();
  const [wantsText, setWantsText] = useState(false);
  const text = job.shardingItemParameters;
  const items = readItems(text);
  const isText = wantsText || items === null;
  return (
    <Field
      id="shardingItemParameters"
      label={t("item_parameters")}
      hint={isText ? t("items_text_hint") : t("items_hint")}
    >
      <div>
        <Segmented
          aria-label={t("item_parameters")}
          className="block"
          value={isText ? "text" : "table"}
          disabled={items === null}
          onChange={(chosen) => setWantsText(chosen === "text")}
          options={[
            { value: "table", label: t("as_table") },
            { value: "text", label: t("as_text") },
          ]}
        />
        {isText ? (
          <Input.TextArea
            id="shardingItemParameters"
            className="mono"
            placeholder="0=Beijing,1=Shanghai"
            rows={2}
            value={text}
            onChange={({ target }) => set({ shardingItemParameters: target.value })}
          />
        ) : (
          <ItemTable
            items={items}
            total={job.shardingTotalCount ?? 0}
            onChange={(item, parameter) => {
              const next = new Map(items).set(item, parameter.replaceAll(",", ""));
              set({ shardingItemParameters: writeItems(next) });
            }}
          />
        )}
      </div>
    </Field>
  );
}

function ItemTable({
  items,
  total,
  onChange,
}: {
  items: ReadonlyMap<number, string>;
  total: number;
  onChange: (item: number, parameter: string) => void;
}) {
  const t = useWords();
  const shards = Math.min(Math.max(0, Math.floor(total)), MOST_SHARDS);
  const beyond = [...items.keys()].filter((item) => item >= shards).sort((one, other) => one - other);
  const rows = [...Array.from({ length: shards }, (_, item) => item), ...beyond].map((item) => ({ item }));
  return (
    <Table<{ item: number }>
      size="small"
      rowKey="item"
      className="job-form-table"
      dataSource={rows}
      pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
      columns={[
        {
          key: "item",
          title: t("item"),
          width: 90,
          render: (_, { item }) => <span className={item >= shards ? "bad" : ""}>{item}</span>,
        },
        {
          key: "parameter",
          title: t("parameter"),
          render: (_, { item }) => (
            <Input
              size="small"
              aria-label={t("parameter_of", { item })}
              value={items.get(item) ?? ""}
              onChange={({ target }) => onChange(item, target.value)}
            />
          ),
        },
      ]}
    />
  );
}

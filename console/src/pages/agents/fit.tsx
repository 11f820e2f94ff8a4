import { Alert, Form, InputNumber, Select, Table, type TableColumnsType } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { AgentLink } from "@/parts/links";
import { type Fit, fitOn, type Needs } from "./fitting";
import type { Agent } from "./room";
import { useWords } from "./words";

interface Fields {
  cpus: number | null;
  memoryMB: number | null;
  shards: number | null;
  app: string;
}

const START: Fields = { cpus: 1, memoryMB: 128, shards: 1, app: "" };

/** Says where a job would find room, now or ever. */
export function WouldFit({ agents, here }: { agents: readonly Agent[]; here?: string }) {
  const t = useWords();
  const [fields, setFields] = useState<Fields>(START);
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  const app = apps.data?.find((each) => each.appName === fields.app);
  const needs: Needs = {
    cpus: fields.cpus ?? 0,
    memoryMB: fields.memoryMB ?? 0,
    shards: fields.shards ?? 1,
    executor: app ? { appName: app.appName, cpus: app.cpuCount ?? 1, memoryMB: app.memoryMB ?? 128 } : null,
  };
  const fits = agents.map((agent) => fitOn(agent, needs));
  return (
    <section className="panel" aria-labelledby="would-fit">
      <h2 id="would-fit">{t("fit_heading")}</h2>
      <p className="calm">{t("fit_hint")}</p>
      <Form<Fields>
        layout="inline"
        initialValues={START}
        onValuesChange={(_, all) => setFields(all)}
        className="block agents-fit"
      >
        <Form.Item name="cpus" label={t("fit_cpu")}>
          <InputNumber controls={false} min={0.001} step={0.1} />
        </Form.Item>
        <Form.Item name="memoryMB" label={t("fit_memory")}>
          <InputNumber controls={false} min={1} step={64} />
        </Form.Item>
        <Form.Item name="shards" label={t("fit_shards")}>
          <InputNumber controls={false} min={1} max={10_000} precision={0} />
        </Form.Item>
        <Form.Item name="app" label={t("fit_app")} tooltip={t("fit_app_hint")}>
          <Select
            showSearch
            className="agents-app"
            options={[
              { value: "", label: t("fit_script") },
              ...(apps.data ?? []).map(({ appName }) => ({ value: appName, label: appName })),
            ]}
          />
        </Form.Item>
      </Form>
      <Outcome fits={fits} needed={needs.shards} />
      {here === undefined ? <PerAgent fits={fits} /> : <Here fit={fits.find((it) => it.agent.id === here)} />}
    </section>
  );
}

function Outcome({ fits, needed }: { fits: readonly Fit[]; needed: number }) {
  const t = useWords();
  const free = fits.reduce((sum, fit) => sum + fit.now, 0);
  const could = fits.reduce((sum, fit) => sum + fit.empty, 0);
  const [type, text] =
    free >= needed
      ? (["success", t("fits_now", { free, needed })] as const)
      : could >= needed
        ? (["warning", t("fits_ever", { free, needed })] as const)
        : (["error", t("fits_never", { could, needed })] as const);
  return <Alert type={type} showIcon title={text} className="block" role="status" />;
}

function Here({ fit }: { fit: Fit | undefined }) {
  const t = useWords();
  if (fit === undefined) return null;
  return (
    <p>
      {t("fit_agent")}: {t("fit_here", { now: fit.now, ever: fit.empty })}
    </p>
  );
}

function PerAgent({ fits }: { fits: readonly Fit[] }) {
  const t = useWords();
  const columns: TableColumnsType<Fit> = [
    { title: t("id"), key: "id", render: (_, fit) => <AgentLink id={fit.agent.id} /> },
    { title: t("host"), key: "host", render: (_, fit) => fit.agent.hostname },
    {
      title: t("shards_now"),
      dataIndex: "now",
      align: "right",
      sorter: (one, other) => one.now - other.now,
    },
    {
      title: t("shards_empty"),
      dataIndex: "empty",
      align: "right",
      sorter: (one, other) => one.empty - other.empty,
    },
  ];
  return (
    <Table<Fit>
      size="small"
      rowKey={(fit) => fit.agent.id}
      columns={columns}
      dataSource={[...fits]}
      pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
      scroll={{ x: "max-content" }}
    />
  );
}

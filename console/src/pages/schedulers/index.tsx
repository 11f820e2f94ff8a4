import { CrownOutlined, PauseCircleOutlined } from "@ant-design/icons";
import { Alert, Table, type TableColumnsType, Tag } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { Action } from "@/parts/action";
import { Loaded, Nothing, Page } from "@/parts/page";
import { useWords } from "./words";

type Scheduler = Answer<"/api/operate/schedulers">[number];

export default function SchedulersPage() {
  const t = useWords();
  const schedulers = useRead("/api/operate/schedulers", { topics: ["schedulers"] });
  const mayAct = useMayAct();
  const columns: TableColumnsType<Scheduler> = [
    { title: t("id"), dataIndex: "id", render: (id: string) => <span className="id">{id}</span> },
    { title: t("role"), dataIndex: "leader", render: (leads: boolean) => <Role leads={leads} /> },
    {
      title: t("address"),
      dataIndex: "address",
      render: (address: string) => <span className="mono">{address || "–"}</span>,
    },
    { title: t("epoch"), dataIndex: "epoch", align: "right" },
  ];
  return (
    <Page title={t("title")}>
      <p className="calm">{t("hint")}</p>
      <Loaded read={schedulers}>
        {(rows) => (
          <>
            <Warning rows={rows} />
            <Table<Scheduler>
              size="small"
              className="block"
              rowKey="id"
              columns={columns}
              dataSource={inOrder(rows)}
              pagination={false}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Nothing text={t("none")} /> }}
            />
          </>
        )}
      </Loaded>
      {mayAct ? <Reconcile /> : null}
    </Page>
  );
}

function Role({ leads }: { leads: boolean }) {
  const t = useWords();
  return leads ? (
    <Tag color="success" icon={<CrownOutlined aria-hidden />}>
      {t("leader")}
    </Tag>
  ) : (
    <Tag icon={<PauseCircleOutlined aria-hidden />}>{t("standby")}</Tag>
  );
}

function Warning({ rows }: { rows: readonly Scheduler[] }) {
  const t = useWords();
  if (rows.length > 0 && !rows.some((row) => row.leader)) {
    return <Alert type="warning" showIcon className="block" title={t("no_leader")} />;
  }
  if (rows.length === 1) return <Alert type="info" showIcon className="block" title={t("alone")} />;
  return null;
}

/** The leader first, then by id: rows keep their place while nothing changes. */
function inOrder(rows: readonly Scheduler[]): Scheduler[] {
  return [...rows].sort(
    (one, other) => Number(other.leader) - Number(one.leader) || one.id.localeCompare(other.id),
  );
}

function Reconcile() {
  const t = useWords();
  return (
    <section className="panel" aria-labelledby="reconcile">
      <h2 id="reconcile">{t("reconcile_heading")}</h2>
      <p>{t("reconcile_hint")}</p>
      <div className="bar">
        <Action
          name={t("reconcile_explicit")}
          question={t("reconcile_question")}
          command={{ method: "POST", path: "/api/operate/reconcile/explicit" }}
          done={t("done")}
        />
      </div>
      <p>{t("clock_hint")}</p>
      <Action
        name={t("reconcile_clock")}
        question={t("clock_question")}
        command={{ method: "POST", path: "/api/operate/reconcile/clock" }}
        done={t("done")}
      />
    </section>
  );
}

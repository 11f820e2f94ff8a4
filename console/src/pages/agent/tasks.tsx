import { Table, type TableColumnsType } from "antd";
import { useState } from "react";
import { PAGE_ROWS, type RowOf, useReadPage } from "@/api/live";
import { JobLink, TaskLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import type { Agent } from "../agents/room";
import { useWords } from "./words";

type Task = RowOf<"/api/job/tasks/running">;

/** The live tasks of one agent. */
export function TasksHere({ agent }: { agent: Agent }) {
  const t = useWords();
  const [page, setPage] = useState(1);
  const tasks = useReadPage("/api/job/tasks/running", page, {
    query: { agentId: agent.id },
    topics: ["tasks"],
    enabled: agent.taskCount > 0,
  });
  const columns: TableColumnsType<Task> = [
    { title: t("job"), key: "job", render: (_, task) => <JobLink name={task.metaInfo.jobName} /> },
    { title: t("shard"), key: "shard", render: (_, task) => task.metaInfo.shardingItems.join(", ") },
    {
      title: t("type"),
      key: "type",
      render: (_, task) => (
        <>
          {task.type === "FAILOVER" ? t("failover") : t("ready")}
          {task.idle ? <span className="calm"> · {t("idle")}</span> : null}
        </>
      ),
    },
    { title: t("task"), dataIndex: "id", render: (id: string) => <TaskLink id={id} /> },
  ];
  return (
    <section className="panel" aria-labelledby="tasks-here">
      <h2 id="tasks-here">{t("tasks_heading")}</h2>
      {agent.taskCount === 0 ? (
        <p className="calm">{t("no_tasks")}</p>
      ) : (
        <Loaded read={tasks}>
          {(all) => (
            <Table<Task>
              size="small"
              rowKey="id"
              columns={columns}
              dataSource={all.rows}
              pagination={{
                current: page,
                total: all.total,
                pageSize: PAGE_ROWS,
                hideOnSinglePage: true,
                showSizeChanger: false,
                onChange: setPage,
              }}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Nothing text={t("no_tasks")} /> }}
            />
          )}
        </Loaded>
      )}
    </section>
  );
}

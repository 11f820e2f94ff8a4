import { Table } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { JobLink, TaskLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type FailoverTask = Answer<"/api/job/tasks/failover">[number];

const PAGE_ROWS = 50;

/** Shards whose agent was lost, and that wait for another one. */
export function FailoverTasks() {
  const t = useWords();
  const read = useRead("/api/job/tasks/failover", { topics: ["tasks", "agents"] });
  return (
    <Loaded read={read}>
      {(tasks) => (
        <Table<FailoverTask>
          size="small"
          rowKey="originalTaskId"
          dataSource={tasks}
          scroll={{ x: "max-content" }}
          pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
          locale={{ emptyText: <Nothing text={t("none_failover")} /> }}
          columns={[
            { title: t("job"), render: (_, task) => <JobLink name={task.taskInfo.jobName} /> },
            { title: t("shard"), render: (_, task) => task.taskInfo.shardingItems.join(", ") },
            { title: t("original"), render: (_, task) => <TaskLink id={task.originalTaskId} /> },
          ]}
        />
      )}
    </Loaded>
  );
}

import { Table } from "antd";
import { PAGE_ROWS, type RowOf, useReadPage } from "@/api/live";
import { JobLink, TaskLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type FailoverTask = RowOf<"/api/job/tasks/failover">;

const DEFAULTS = { page: "1" };

/** Shards whose agent was lost, and that wait for another one. */
export function FailoverTasks() {
  const t = useWords();
  const [{ page }, setFilters] = useFilters(DEFAULTS);
  const read = useReadPage("/api/job/tasks/failover", Number(page), { topics: ["tasks", "agents"] });
  return (
    <Loaded read={read}>
      {({ rows, total }) => (
        <Table<FailoverTask>
          size="small"
          rowKey="originalTaskId"
          dataSource={rows}
          scroll={{ x: "max-content" }}
          pagination={{
            current: Number(page),
            total,
            pageSize: PAGE_ROWS,
            hideOnSinglePage: true,
            showSizeChanger: false,
            onChange: (next) => setFilters({ page: String(next) }),
          }}
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

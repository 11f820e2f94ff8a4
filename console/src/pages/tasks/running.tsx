import { Link } from "@tanstack/react-router";
import { Table, Tag } from "antd";
import { PAGE_ROWS, type RowOf, useReadPage } from "@/api/live";
import { Action } from "@/parts/action";
import { AgentLink, JobLink, TaskLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { TypedInput } from "@/parts/lists/typed-input";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type Task = RowOf<"/api/job/tasks/running">;

const DEFAULTS = { jobName: "", agentId: "", page: "1" };
export function RunningTasks() {
  const t = useWords();
  const [{ jobName, agentId, page }, setFilters] = useFilters(DEFAULTS);
  const read = useReadPage("/api/job/tasks/running", Number(page), {
    query: { jobName, agentId },
    topics: ["tasks"],
  });
  const itemOf = (task: Task): number => task.metaInfo.shardingItems[0] ?? 0;
  return (
    <Loaded read={read}>
      {({ rows, total }) => (
        <>
          <div className="bar">
            <TypedInput
              className="tasks-search"
              aria-label={t("by_job")}
              placeholder={t("by_job")}
              value={jobName}
              onChange={(text) => setFilters({ jobName: text })}
            />
            <TypedInput
              className="tasks-search"
              aria-label={t("by_agent")}
              placeholder={t("by_agent")}
              value={agentId}
              onChange={(text) => setFilters({ agentId: text })}
            />
            <span className="calm">{t("count", { count: total })}</span>
          </div>
          <Table<Task>
            size="small"
            rowKey="id"
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
            locale={{
              emptyText: (
                <Nothing text={t("none_running")}>
                  <Link to="/jobs">{t("to_jobs")}</Link>
                </Nothing>
              ),
            }}
            columns={[
              { title: t("job"), render: (_, task) => <JobLink name={task.metaInfo.jobName} /> },
              { title: t("shard"), render: (_, task) => itemOf(task) },
              { title: t("state"), render: (_, task) => <Tag>{task.idle ? t("idle") : t("working")}</Tag> },
              {
                title: t("type"),
                render: (_, task) => (task.type === "FAILOVER" ? t("FAILOVER") : t("READY")),
              },
              { title: t("agent"), render: (_, task) => <AgentLink id={task.slaveId} /> },
              { title: t("task"), render: (_, task) => <TaskLink id={task.id} /> },
              {
                key: "action",
                render: (_, task) => (
                  <Action
                    name={t("kill")}
                    size="small"
                    danger
                    question={t("kill_question", { job: task.metaInfo.jobName, item: itemOf(task) })}
                    command={{
                      method: "POST",
                      path: "/api/job/tasks/{taskId}/kill",
                      options: { path: { taskId: task.id } },
                    }}
                    done={t("killed")}
                  />
                ),
              },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

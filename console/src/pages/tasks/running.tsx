import { Link } from "@tanstack/react-router";
import { Input, Table, Tag } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { Action } from "@/parts/action";
import { useFilters } from "@/parts/filters";
import { AgentLink, JobLink, TaskLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type Task = Answer<"/api/job/tasks/running">[number];

const DEFAULTS = { search: "" };
const PAGE_ROWS = 50;

export function RunningTasks() {
  const t = useWords();
  const [{ search }, setFilters] = useFilters(DEFAULTS);
  const read = useRead("/api/job/tasks/running", { topics: ["tasks"] });
  const itemOf = (task: Task): number => task.metaInfo.shardingItems[0] ?? 0;
  return (
    <Loaded read={read}>
      {(tasks) => {
        const seen = tasks.filter(
          (task) => task.metaInfo.jobName.includes(search) || task.slaveId.includes(search),
        );
        return (
          <>
            <div className="bar">
              <Input.Search
                allowClear
                aria-label={t("search")}
                placeholder={t("search")}
                defaultValue={search}
                onSearch={(text) => setFilters({ search: text })}
                className="tasks-search"
              />
              <span className="calm">{t("count", { count: seen.length })}</span>
            </div>
            <Table<Task>
              size="small"
              rowKey="id"
              dataSource={seen}
              scroll={{ x: "max-content" }}
              pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
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
        );
      }}
    </Loaded>
  );
}

import { Select, Table } from "antd";
import { useRead, useReadPage } from "@/api/live";
import { AgentLink, TaskLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { OneLine } from "@/parts/runs/cells";
import { Pages } from "@/parts/runs/table";
import { EVER, type Execution } from "@/parts/runs/types";
import { State } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import type { JobFilters } from "./filters";
import { useWords } from "./words";

const ROWS = 50;
const STATES = ["SUCCEEDED", "FAILED"] as const;

const MOST_TASKS = 500;

/** The tasks of a daemon that live now: one a shard, and the first 500 of very many. */
export function useLiveTasks(jobName: string) {
  return useReadPage("/api/job/tasks/running", 1, { query: { jobName }, topics: ["tasks"] }, MOST_TASKS);
}

/** A daemon has no runs: its tasks stay, and execute again and again. */
export function DaemonTab({
  jobName,
  filters,
  onFilter,
}: {
  jobName: string;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  return (
    <>
      <LiveTasks jobName={jobName} />
      <Executions jobName={jobName} filters={filters} onFilter={onFilter} />
    </>
  );
}

function LiveTasks({ jobName }: { jobName: string }) {
  const t = useWords();
  const tasks = useLiveTasks(jobName);
  return (
    <section className="panel" aria-labelledby="job-tasks">
      <h2 id="job-tasks">{t("tasks_now")}</h2>
      <Loaded read={tasks}>
        {({ rows }) => (
          <Table
            size="small"
            rowKey="id"
            dataSource={rows}
            scroll={{ x: "max-content" }}
            pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false }}
            locale={{ emptyText: <Nothing text={t("no_tasks")} /> }}
            columns={[
              {
                key: "item",
                title: t("item"),
                render: (_, { metaInfo }) => metaInfo.shardingItems[0],
              },
              {
                key: "state",
                title: t("state"),
                render: (_, { idle }) =>
                  idle ? <span className="calm">{t("idle")}</span> : <State state="TASK_RUNNING" />,
              },
              { key: "agent", title: t("agent"), render: (_, { slaveId }) => <AgentLink id={slaveId} /> },
              {
                key: "task",
                title: t("task"),
                render: (_, { id, metaInfo }) => (
                  <TaskLink id={id}>{t("log", { item: metaInfo.shardingItems[0] ?? 0 })}</TaskLink>
                ),
              },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}

function Executions({
  jobName,
  filters: { state, cursor },
  onFilter,
}: {
  jobName: string;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  const t = useWords();
  const chosen = STATES.find((each) => each === state);
  const executions = useRead("/api/job/executions", {
    query: { jobName, startTime: EVER, limit: ROWS, cursor, ...(chosen ? { state: chosen } : {}) },
    topics: ["runs", "tasks"],
  });
  return (
    <section className="panel" aria-labelledby="job-executions">
      <h2 id="job-executions">{t("executions")}</h2>
      <div className="bar">
        <label htmlFor="job-state" className="calm">
          {t("state")}
        </label>
        <Select
          id="job-state"
          className="job-select"
          value={chosen ?? ""}
          onChange={(next) => onFilter({ state: next })}
          options={[
            { value: "", label: t("any_state") },
            ...STATES.map((each) => ({ value: each, label: <State state={each} /> })),
          ]}
        />
      </div>
      <Loaded read={executions}>
        {({ rows, next }) => (
          <>
            <Table<Execution>
              size="small"
              rowKey="executionId"
              dataSource={rows}
              pagination={false}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Nothing text={t("no_executions")} /> }}
              columns={[
                { key: "id", title: t("execution"), dataIndex: "executionId", rowScope: "row" },
                { key: "item", title: t("item"), dataIndex: "item" },
                { key: "state", title: t("state"), render: (_, { state: of }) => <State state={of} /> },
                {
                  key: "summary",
                  title: t("summary"),
                  render: (_, { summary }) => <OneLine text={summary} bad />,
                },
                {
                  key: "started",
                  title: t("started"),
                  render: (_, { startTime }) => <When at={startTime} />,
                },
                {
                  key: "duration",
                  title: t("duration"),
                  render: (_, { startTime, endTime }) => <Lasted start={startTime} end={endTime} />,
                },
                { key: "host", title: t("host"), render: (_, { hostname, ip }) => hostname || ip },
                {
                  key: "task",
                  title: t("task"),
                  render: (_, { taskId, item }) => <TaskLink id={taskId}>{t("log", { item })}</TaskLink>,
                },
              ]}
            />
            <Pages cursor={cursor} next={next} onGo={(to) => onFilter({ cursor: to })} />
          </>
        )}
      </Loaded>
    </section>
  );
}

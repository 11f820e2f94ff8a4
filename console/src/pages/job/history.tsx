import { Link } from "@tanstack/react-router";
import { Pagination, Segmented, Table } from "antd";
import { useRead } from "@/api/live";
import { AgentLink, TaskLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { OneLine } from "@/parts/runs/cells";
import { State } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import type { JobFilters } from "./filters";
import { useWords } from "./words";

const ROWS = 50;

interface ExecutionRow {
  id: number;
  taskId: string;
  hostname: string;
  ip: string;
  shardingItem: number;
  failureCause: string;
  isSuccess: boolean | null;
  startTime: string;
  completeTime: string | null;
}

interface TraceRow {
  id: number;
  taskId: string;
  slaveId: string;
  executionType: string;
  shardingItem: number;
  state: string;
  message: string;
  creationTime: string;
}

/** What is recorded about this job, newest first. The page of the history has all filters. */
export function History({
  jobName,
  filters: { show, page },
  onFilter,
}: {
  jobName: string;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  const t = useWords();
  const view = show === "traces" ? "traces" : "executions";
  return (
    <section className="panel" aria-label={t("tab_history")}>
      <div className="bar">
        <Segmented
          aria-label={t("which")}
          value={view}
          onChange={(next) => onFilter({ show: next })}
          options={[
            { value: "executions", label: t("executions") },
            { value: "traces", label: t("traces") },
          ]}
        />
        <Link to="/history" search={{ jobName }}>
          {t("all_history")}
        </Link>
      </div>
      {view === "traces" ? (
        <Traces jobName={jobName} page={Number(page)} onPage={(to) => onFilter({ page: String(to) })} />
      ) : (
        <Executions jobName={jobName} page={Number(page)} onPage={(to) => onFilter({ page: String(to) })} />
      )}
    </section>
  );
}

interface Paged {
  jobName: string;
  page: number;
  onPage: (page: number) => void;
}

function Executions({ jobName, page, onPage }: Paged) {
  const t = useWords();
  const read = useRead("/api/job/events/executions", {
    query: { jobName, page, per_page: ROWS },
    topics: ["runs", "tasks"],
  });
  return (
    <Loaded read={read}>
      {({ total, rows }) => (
        <>
          <Table<ExecutionRow>
            size="small"
            rowKey="id"
            pagination={false}
            scroll={{ x: "max-content" }}
            dataSource={rows as unknown as ExecutionRow[]}
            locale={{ emptyText: <Nothing text={t("no_history")} /> }}
            columns={[
              { key: "item", title: t("item"), dataIndex: "shardingItem" },
              { key: "result", title: t("result"), render: (_, row) => <State state={resultOf(row)} /> },
              {
                key: "summary",
                title: t("summary"),
                render: (_, { failureCause }) => <OneLine text={failureCause} bad />,
              },
              { key: "started", title: t("started"), render: (_, { startTime }) => <When at={startTime} /> },
              {
                key: "duration",
                title: t("duration"),
                render: (_, { startTime, completeTime }) => <Lasted start={startTime} end={completeTime} />,
              },
              { key: "host", title: t("host"), render: (_, { hostname, ip }) => hostname || ip },
              { key: "task", title: t("task"), render: (_, { taskId }) => <TaskLink id={taskId} /> },
            ]}
          />
          <PageNumbers total={total} page={page} onPage={onPage} />
        </>
      )}
    </Loaded>
  );
}

function resultOf({ isSuccess }: ExecutionRow): string {
  if (isSuccess === null) return "RUNNING";
  return isSuccess ? "SUCCEEDED" : "FAILED";
}

function Traces({ jobName, page, onPage }: Paged) {
  const t = useWords();
  const read = useRead("/api/job/events/statusTraces", {
    query: { jobName, page, per_page: ROWS },
    topics: ["runs", "tasks"],
  });
  return (
    <Loaded read={read}>
      {({ total, rows }) => (
        <>
          <Table<TraceRow>
            size="small"
            rowKey="id"
            pagination={false}
            scroll={{ x: "max-content" }}
            dataSource={rows as unknown as TraceRow[]}
            locale={{ emptyText: <Nothing text={t("no_history")} /> }}
            columns={[
              { key: "time", title: t("time"), render: (_, row) => <When at={row.creationTime} /> },
              { key: "item", title: t("item"), dataIndex: "shardingItem" },
              { key: "state", title: t("state"), render: (_, { state }) => <State state={state} /> },
              {
                key: "message",
                title: t("message"),
                render: (_, { message }) => <OneLine text={message} />,
              },
              {
                key: "type",
                title: t("type"),
                render: (_, { executionType }) => t(executionType === "FAILOVER" ? "FAILOVER" : "READY"),
              },
              { key: "agent", title: t("agent"), render: (_, { slaveId }) => <AgentLink id={slaveId} /> },
              { key: "task", title: t("task"), render: (_, { taskId }) => <TaskLink id={taskId} /> },
            ]}
          />
          <PageNumbers total={total} page={page} onPage={onPage} />
        </>
      )}
    </Loaded>
  );
}

function PageNumbers({
  total,
  page,
  onPage,
}: {
  total: number;
  page: number;
  onPage: (page: number) => void;
}) {
  const t = useWords();
  return (
    <Pagination
      className="runs-pages"
      size="small"
      current={page}
      pageSize={ROWS}
      total={total}
      showSizeChanger={false}
      showTotal={(all) => t("total", { total: all })}
      onChange={onPage}
    />
  );
}

import type { TableColumnsType } from "antd";
import type { ReactNode } from "react";
import { AgentLink, JobLink, TaskLink } from "@/parts/links";
import { State } from "@/parts/states";
import { When } from "@/parts/time/time";
import { useWords as usePartsWords } from "@/parts/words";
import type { Change, Filters } from ".";
import { Events, LongText } from "./events";
import { ChoiceFilter, JobFilter, TextFilter } from "./inputs";
import { type StatusTrace, TRACE_COLUMNS } from "./rows";
import { useWords } from "./words";

const STATES = [
  "TASK_STAGING",
  "TASK_RUNNING",
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_ERROR",
  "TASK_KILLED",
  "TASK_LOST",
  "TASK_DROPPED",
] as const;

/** What became of tasks: one row for each change of a task's state. */
export function Traces({ filters, change, bar }: { filters: Filters; change: Change; bar: ReactNode }) {
  const t = useWords();
  const parts = usePartsWords();
  return (
    <Events<StatusTrace>
      path="/api/job/events/statusTraces"
      filters={filters}
      change={change}
      names={["jobName", "taskId", "slaveId", "source", "executionType", "state"]}
      columns={useColumns()}
      csvColumns={TRACE_COLUMNS}
      timeColumn="creationTime"
      csvName="status-traces"
    >
      <JobFilter name={t("job_filter")} value={filters.jobName} onChange={(jobName) => change({ jobName })} />
      <TextFilter name={t("task_filter")} value={filters.taskId} onChange={(taskId) => change({ taskId })} />
      <TextFilter
        name={t("agent_filter")}
        value={filters.slaveId}
        onChange={(slaveId) => change({ slaveId })}
      />
      <ChoiceFilter
        name={t("state")}
        any={t("any_state")}
        value={filters.state}
        choices={STATES.map((state) => [state, parts(state)])}
        onChange={(state) => change({ state })}
      />
      <ChoiceFilter
        name={t("source")}
        any={t("any_source")}
        value={filters.source}
        choices={[
          ["CLOUD_SCHEDULER", t("CLOUD_SCHEDULER")],
          ["CLOUD_EXECUTOR", t("CLOUD_EXECUTOR")],
        ]}
        onChange={(source) => change({ source })}
      />
      <ChoiceFilter
        name={t("type")}
        any={t("any_type")}
        value={filters.executionType}
        choices={[
          ["READY", t("READY")],
          ["FAILOVER", t("FAILOVER")],
        ]}
        onChange={(executionType) => change({ executionType })}
      />
      {bar}
    </Events>
  );
}

function useColumns(): TableColumnsType<StatusTrace> {
  const t = useWords();
  return [
    {
      title: t("time"),
      key: "creationTime",
      dataIndex: "creationTime",
      sorter: true,
      render: (at: string) => <When at={at} />,
    },
    {
      title: t("job"),
      key: "jobName",
      dataIndex: "jobName",
      sorter: true,
      render: (name: string) => <JobLink name={name} />,
    },
    { title: t("shard"), key: "shardingItem", dataIndex: "shardingItem", sorter: true, align: "right" },
    {
      title: t("state"),
      key: "state",
      dataIndex: "state",
      sorter: true,
      render: (state: string) => <State state={state} />,
    },
    {
      title: t("message"),
      key: "message",
      dataIndex: "message",
      render: (text: string) => <LongText text={text} />,
    },
    {
      title: t("source"),
      key: "source",
      dataIndex: "source",
      sorter: true,
      render: (source: string) => t(source as "CLOUD_EXECUTOR"),
    },
    {
      title: t("type"),
      key: "executionType",
      dataIndex: "executionType",
      sorter: true,
      render: (type: string) => t(type as "READY"),
    },
    {
      title: t("agent"),
      key: "slaveId",
      dataIndex: "slaveId",
      sorter: true,
      render: (id: string) => <AgentLink id={id} />,
    },
    {
      title: t("task"),
      key: "taskId",
      dataIndex: "taskId",
      render: (id: string) => <TaskLink id={id} />,
    },
    {
      title: t("original_task"),
      key: "originalTaskId",
      dataIndex: "originalTaskId",
      render: (id: string) => (id ? <TaskLink id={id} /> : <span aria-hidden="true">–</span>),
    },
  ];
}

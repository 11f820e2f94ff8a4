import { CheckCircleOutlined, CloseCircleOutlined, SyncOutlined } from "@ant-design/icons";
import { type TableColumnsType, Tag } from "antd";
import type { ReactNode } from "react";
import { JobLink, TaskLink } from "@/parts/links";
import { When } from "@/parts/time/time";
import type { Change, Filters } from ".";
import { Events, LongText } from "./events";
import { ChoiceFilter, JobFilter, TextFilter } from "./inputs";
import { EXECUTION_COLUMNS, type Execution } from "./rows";
import { useWords } from "./words";

/** What job code did: one row for each execution of a shard. */
export function Executions({ filters, change, bar }: { filters: Filters; change: Change; bar: ReactNode }) {
  const t = useWords();
  return (
    <Events<Execution>
      path="/api/job/events/executions"
      filters={filters}
      change={change}
      names={["jobName", "taskId", "ip", "isSuccess"]}
      columns={useColumns()}
      csvColumns={EXECUTION_COLUMNS}
      timeColumn="startTime"
      csvName="executions"
    >
      <JobFilter name={t("job_filter")} value={filters.jobName} onChange={(jobName) => change({ jobName })} />
      <TextFilter name={t("task_filter")} value={filters.taskId} onChange={(taskId) => change({ taskId })} />
      <TextFilter name={t("ip_filter")} value={filters.ip} onChange={(ip) => change({ ip })} />
      <ChoiceFilter
        name={t("result")}
        any={t("any_result")}
        value={filters.isSuccess}
        choices={[
          ["true", t("succeeded")],
          ["false", t("failed")],
        ]}
        onChange={(isSuccess) => change({ isSuccess })}
      />
      {bar}
    </Events>
  );
}

function useColumns(): TableColumnsType<Execution> {
  const t = useWords();
  return [
    {
      title: t("start"),
      key: "startTime",
      dataIndex: "startTime",
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
      title: t("result"),
      key: "isSuccess",
      sorter: true,
      render: (_, row) => <Result row={row} />,
    },
    {
      title: t("cause"),
      key: "failureCause",
      dataIndex: "failureCause",
      render: (text: string | null) => <LongText text={text} bad />,
    },
    {
      title: t("end"),
      key: "completeTime",
      dataIndex: "completeTime",
      sorter: true,
      render: (at: string | null) => <When at={at} />,
    },
    {
      title: t("source"),
      key: "executionSource",
      dataIndex: "executionSource",
      sorter: true,
      render: (source: string) => t(source as "MISFIRE"),
    },
    { title: t("host"), key: "hostname", dataIndex: "hostname", sorter: true },
    {
      title: t("ip"),
      key: "ip",
      dataIndex: "ip",
      sorter: true,
      render: (ip: string) => <span className="mono">{ip}</span>,
    },
    {
      title: t("task"),
      key: "taskId",
      dataIndex: "taskId",
      render: (id: string) => <TaskLink id={id} />,
    },
  ];
}

function Result({ row }: { row: Execution }) {
  const t = useWords();
  if (row.completeTime === null) {
    return (
      <Tag color="processing" icon={<SyncOutlined aria-hidden />}>
        {t("goes_on")}
      </Tag>
    );
  }
  return row.isSuccess ? (
    <Tag color="success" icon={<CheckCircleOutlined aria-hidden />}>
      {t("succeeded")}
    </Tag>
  ) : (
    <Tag color="error" icon={<CloseCircleOutlined aria-hidden />}>
      {t("failed")}
    </Tag>
  );
}

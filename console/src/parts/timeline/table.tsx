import { Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { JobLink, RunLink } from "../links";
import { State } from "../states";
import { epochOf, Lasted, When } from "../time/time";
import type { BarState, TimelineAnswer } from "./layout";
import { useWords } from "./words";

interface Row {
  key: string;
  jobName: string;
  state: BarState;
  start: string;
  end: string | null;
  runId: number | null;
}

/** The same as the bars, in words: planned fires first, then runs, the latest first. */
export default function TimelineTable({ data }: { data: TimelineAnswer }) {
  const t = useWords();
  const rows = useMemo(() => rowsOf(data), [data]);
  const columns: TableColumnsType<Row> = [
    {
      title: t("job"),
      dataIndex: "jobName",
      sorter: (one, other) => one.jobName.localeCompare(other.jobName),
      render: (name: string) => <JobLink name={name} />,
    },
    {
      title: t("state"),
      dataIndex: "state",
      sorter: (one, other) => one.state.localeCompare(other.state),
      render: (state: BarState) => (state === "PLANNED" ? t("PLANNED") : <State state={state} />),
    },
    {
      title: t("start"),
      dataIndex: "start",
      sorter: (one, other) => (epochOf(one.start) ?? 0) - (epochOf(other.start) ?? 0),
      render: (start: string) => <When at={start} />,
    },
    {
      title: t("length"),
      key: "length",
      render: (_, row) => (row.state === "PLANNED" ? "–" : <Lasted start={row.start} end={row.end} />),
    },
    {
      title: t("run"),
      dataIndex: "runId",
      render: (id: number | null) => (id === null ? "–" : <RunLink id={id} />),
    },
  ];
  return (
    <Table<Row>
      size="small"
      rowKey="key"
      columns={columns}
      dataSource={rows}
      aria-label={t("caption")}
      pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
      scroll={{ x: "max-content" }}
    />
  );
}

function rowsOf({ runs, planned }: TimelineAnswer): Row[] {
  const fires = planned.rows.map(({ jobName, time }) => ({
    key: `${jobName} ${time}`,
    jobName,
    state: "PLANNED" as const,
    start: time,
    end: null,
    runId: null,
  }));
  const past = runs.rows.map(({ runId, jobName, state, startTime, endTime }) => ({
    key: String(runId),
    jobName,
    state,
    start: startTime,
    end: endTime,
    runId,
  }));
  return [...fires.reverse(), ...past];
}

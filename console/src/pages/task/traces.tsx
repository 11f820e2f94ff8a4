import { Table } from "antd";
import { State } from "@/parts/states";
import { When } from "@/parts/time/time";
import type { TaskDetail } from "./index";
import "./task.css";
import { useWords } from "./words";

type Trace = TaskDetail["traces"][number];
type Word = Parameters<ReturnType<typeof useWords>>[0];

const SOURCES = new Set(["CLOUD_SCHEDULER", "CLOUD_EXECUTOR"]);

export function TaskTraces({ task }: { task: TaskDetail }) {
  const t = useWords();
  return (
    <section className="panel">
      <h2>{t("traces")}</h2>
      {task.tracesComplete ? null : <p className="calm">{t("traces_cut")}</p>}
      <Table<Trace>
        size="small"
        pagination={false}
        scroll={{ x: "max-content" }}
        rowKey={(trace) => `${trace.time} ${trace.state} ${trace.source}`}
        dataSource={task.traces}
        columns={[
          { title: t("time"), render: (_, trace) => <When at={trace.time} /> },
          { title: t("state"), render: (_, trace) => <State state={trace.state} /> },
          {
            title: t("source"),
            render: (_, trace) => (SOURCES.has(trace.source) ? t(trace.source as Word) : trace.source),
          },
          {
            title: t("message"),
            render: (_, trace) => <span className="task-message">{trace.message}</span>,
          },
        ]}
      />
    </section>
  );
}

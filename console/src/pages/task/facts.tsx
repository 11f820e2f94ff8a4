import { Descriptions } from "antd";
import type { ReactNode } from "react";
import { AgentLink, AppLink, JobLink, RunLink, TaskLink } from "@/parts/links";
import { Lasted, When } from "@/parts/time/time";
import type { TaskDetail } from "./index";
import { useWords } from "./words";

/** Where a task belongs, where and when it ran, and how it ended. What is not known is left out. */
export function TaskFacts({ task }: { task: TaskDetail }) {
  const t = useWords();
  const facts: [Parameters<typeof t>[0], ReactNode][] = [
    ["job", <JobLink key="job" name={task.jobName} />],
    ["run", task.runId === null ? null : <RunLink key="run" id={task.runId} />],
    ["app", task.appName ? <AppLink key="app" name={task.appName} /> : null],
    ["shard", task.item],
    ["parameter", task.parameter],
    ["attempt", task.attempt],
    ["agent", <Agent key="agent" task={task} />],
    ["staged", <When key="staged" at={task.stagedTime} />],
    ["started", <When key="started" at={task.startTime} />],
    ["ended", task.endTime ? <When key="ended" at={task.endTime} /> : null],
    ["lasted", task.startTime ? <Lasted key="lasted" start={task.startTime} end={task.endTime} /> : null],
    ["exit_code", task.exitCode],
    ["signal", task.signal],
    ["kill_reason", task.killReason],
    ["original", task.originalTaskId ? <TaskLink key="original" id={task.originalTaskId} /> : null],
    [
      "later",
      task.laterTaskIds.length > 0 ? task.laterTaskIds.map((id) => <TaskLink key={id} id={id} />) : null,
    ],
    [
      "task_id",
      <span key="id" className="id">
        {task.taskId}
      </span>,
    ],
    [
      "detail",
      task.detail ? (
        <pre key="detail" className="task-detail">
          {task.detail}
        </pre>
      ) : null,
    ],
  ];
  return (
    <section className="panel task-facts">
      <h2>{t("about")}</h2>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2, xl: 3 }}
        items={facts
          .filter(([, value]) => value !== null && value !== "" && value !== undefined)
          .map(([key, value]) => ({
            key,
            label: t(key),
            children: value,
            ...(key === "detail" || key === "task_id" ? { span: "filled" as const } : {}),
          }))}
      />
    </section>
  );
}

function Agent({ task }: { task: TaskDetail }) {
  const where = [task.hostname, task.ip].filter(Boolean).join(", ");
  return (
    <span>
      <AgentLink id={task.agentId} />
      {where ? ` (${where})` : ""}
    </span>
  );
}

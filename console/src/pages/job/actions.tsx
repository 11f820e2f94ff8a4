import { useNavigate } from "@tanstack/react-router";
import { Button } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useAsk } from "@/parts/ask";
import { useRunQuestions } from "@/parts/runs/actions";
import { TriggerDialog } from "@/parts/runs/trigger";
import { EVER, type JobConfiguration } from "@/parts/runs/types";
import { useWords as useRunsWords } from "@/parts/runs/words";
import { useLiveTasks } from "./daemon";
import { useWords } from "./words";

/** What can be done with a job. A guest sees none of it. */
export function JobActions({ job }: { job: JobConfiguration }) {
  return useMayAct() ? <Buttons job={job} /> : null;
}

function Buttons({ job }: { job: JobConfiguration }) {
  const t = useWords();
  const runs = useRunsWords();
  const navigate = useNavigate();
  const [ask, dialog] = useAsk();
  const [isTriggering, setIsTriggering] = useState(false);
  const { jobName, disabled } = job;
  const isDaemon = job.jobExecutionType === "DAEMON";
  const path = { jobName };

  function turn(): void {
    ask({
      name: t(disabled ? "enable" : "disable"),
      question: t(disabled ? "enable_question" : "disable_question", { name: jobName }),
      danger: !disabled,
      done: t(disabled ? "enabled" : "disabled", { name: jobName }),
      commands: [
        {
          method: "POST",
          path: disabled ? "/api/job/{jobName}/enable" : "/api/job/{jobName}/disable",
          options: { path },
        },
      ],
    });
  }

  function deregister(): void {
    ask({
      name: t("deregister"),
      question: t("deregister_question", { name: jobName }),
      danger: true,
      done: t("deregistered", { name: jobName }),
      commands: [{ method: "DELETE", path: "/api/job/{jobName}/deregister", options: { path } }],
    });
  }

  return (
    <>
      {isDaemon ? null : (
        <Button type="primary" disabled={disabled} onClick={() => setIsTriggering(true)}>
          {runs("trigger")}
        </Button>
      )}
      {isDaemon ? <KillTasks jobName={jobName} ask={ask} /> : <OfRuns jobName={jobName} ask={ask} />}
      <Button onClick={turn}>{t(disabled ? "enable" : "disable")}</Button>
      <Button
        onClick={() =>
          void navigate({
            to: "/jobs/$jobName/$tab",
            params: { jobName, tab: "configuration" },
            search: { edit: "1" },
          })
        }
      >
        {t("edit")}
      </Button>
      <Button onClick={() => void navigate({ to: "/jobs/new", search: { from: jobName } })}>
        {t("clone")}
      </Button>
      <Button danger onClick={deregister}>
        {t("deregister")}
      </Button>
      <TriggerDialog
        jobName={jobName}
        job={job}
        isOpen={isTriggering}
        onClose={() => setIsTriggering(false)}
      />
      {dialog}
    </>
  );
}

type Ask = ReturnType<typeof useAsk>[0];

/** Kill what runs, or run again what failed last. */
function OfRuns({ jobName, ask }: { jobName: string; ask: Ask }) {
  const t = useWords();
  const questions = useRunQuestions();
  const running = useRead("/api/job/runs", {
    query: { jobName, state: "RUNNING", limit: 1 },
    topics: ["runs", "tasks"],
  });
  const failed = useRead("/api/job/runs", {
    query: { jobName, state: "FAILED", startTime: EVER, limit: 1 },
    topics: ["runs"],
  });
  const runs = running.data?.rows[0];
  const last = failed.data?.rows[0];
  return (
    <>
      {runs ? (
        <Button danger onClick={() => ask({ ...questions.kill(runs), name: t("kill_running") })}>
          {t("kill_running")}
        </Button>
      ) : null}
      {last ? (
        <Button onClick={() => ask(questions.rerunFailed(last))}>
          {t("rerun_last", { id: last.runId })}
        </Button>
      ) : null}
    </>
  );
}

function KillTasks({ jobName, ask }: { jobName: string; ask: Ask }) {
  const t = useWords();
  const tasks = useLiveTasks(jobName).data?.rows ?? [];
  if (tasks.length === 0) return null;
  return (
    <Button
      danger
      onClick={() =>
        ask({
          name: t("kill_running"),
          question: t("kill_tasks_question", { count: tasks.length, name: jobName }),
          danger: true,
          done: t("kill_tasks_done"),
          commands: tasks.map(({ id }) => ({
            method: "POST",
            path: "/api/job/tasks/{taskId}/kill",
            options: { path: { taskId: id } },
          })),
        })
      }
    >
      {t("kill_running")}
    </Button>
  );
}

import { useNavigate } from "@tanstack/react-router";
import type { Question } from "../ask";
import type { Run } from "./types";
import { useWords } from "./words";

type RunOf = Pick<Run, "runId" | "jobName" | "state" | "shards">;

/** How many items are named in a question before it says `…`. */
const ITEMS_NAMED = 20;

/** What can be asked about a run: each gives the question for `useAsk`. */
export function useRunQuestions(): {
  kill: (run: RunOf) => Question;
  rerunFailed: (run: RunOf) => Question;
  rerunAll: (run: RunOf) => Question;
  rerunItems: (run: RunOf, items: readonly number[]) => Question;
} {
  const t = useWords();
  const navigate = useNavigate();

  function rerun(run: RunOf, name: string, question: string, items: "failed" | "all" | readonly number[]) {
    return {
      name,
      question,
      commands: [
        {
          method: "POST" as const,
          path: "/api/job/runs/{runId}/rerun",
          options: { path: { runId: run.runId }, body: { items } },
        },
      ],
      onDone: (answer: unknown) => {
        const { runId } = answer as { runId: number };
        void navigate({ to: "/runs/$runId", params: { runId: String(runId) } });
      },
    };
  }

  return {
    kill: (run) => ({
      name: t("kill_run"),
      question: t(run.state === "WAITING" ? "drop_question" : "kill_question", {
        id: run.runId,
        job: run.jobName,
        count: run.shards.waiting + run.shards.running,
      }),
      danger: true,
      done: t("killed", { id: run.runId }),
      commands: [
        { method: "POST", path: "/api/job/runs/{runId}/kill", options: { path: { runId: run.runId } } },
      ],
    }),
    rerunFailed: (run) => {
      const { total, succeeded } = run.shards;
      const values = { id: run.runId, job: run.jobName, count: total - succeeded, total };
      return rerun(run, t("rerun_failed"), t("rerun_failed_question", values), "failed");
    },
    rerunAll: (run) => {
      const values = { id: run.runId, job: run.jobName, count: run.shards.total };
      return rerun(run, t("rerun_all"), t("rerun_all_question", values), "all");
    },
    rerunItems: (run, items) => {
      const named = items.slice(0, ITEMS_NAMED).join(", ") + (items.length > ITEMS_NAMED ? ", …" : "");
      const values = { id: run.runId, job: run.jobName, count: items.length, items: named };
      const name = t("rerun_selected", { count: items.length });
      return rerun(run, name, t("rerun_selected_question", values), items);
    },
  };
}

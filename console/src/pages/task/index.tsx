import { useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { Alert, Tag } from "antd";
import { useCallback } from "react";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { Action } from "@/parts/action";
import { type LogPlace, LogView } from "@/parts/log/view";
import { Loaded, Page } from "@/parts/page";
import { State } from "@/parts/states";
import { TaskFacts } from "./facts";
import { TaskTraces } from "./traces";
import { useWords } from "./words";

export type TaskDetail = Answer<"/api/job/tasks/{taskId}">;

const ENDED = /^TASK_(FINISHED|FAILED|ERROR|LOST|KILLED|DROPPED)$/;

export default function TaskPage() {
  const { taskId } = useParams({ strict: false }) as { taskId: string };
  // Another task is another page: nothing of this one's log stays.
  return <Task key={taskId} taskId={taskId} />;
}

function Task({ taskId }: { taskId: string }) {
  const t = useWords();
  const task = useRead("/api/job/tasks/{taskId}", { path: { taskId }, topics: ["tasks", "runs"] });
  const [place, setPlace] = useLinkedPlace();
  const { data } = task;
  const job = data?.jobName ?? taskId.split("@-@")[0] ?? taskId;
  const item = data?.item ?? Number(taskId.split("@-@")[1] ?? 0);
  return (
    <Page
      title={t("title", { job, item })}
      heading={
        <>
          {t("title", { job, item })}
          {data ? <State state={data.state} failed={data.success === false} /> : null}
          {data?.daemon ? <Tag>{t("daemon")}</Tag> : null}
          {data?.type === "FAILOVER" ? <Tag color="warning">{t("failover")}</Tag> : null}
        </>
      }
      actions={
        data && !ENDED.test(data.state) ? (
          <Action
            name={t("kill")}
            danger
            question={t("kill_question", { job, item })}
            command={{ method: "POST", path: "/api/job/tasks/{taskId}/kill", options: { path: { taskId } } }}
            done={t("killed")}
          />
        ) : null
      }
    >
      {data?.summary ? (
        <Alert type="error" showIcon title={data.summary} className="block" data-testid="summary" />
      ) : null}
      <LogView taskId={taskId} place={place} onPlace={setPlace} />
      <Loaded read={task}>
        {(loaded) => (
          <>
            <TaskFacts task={loaded} />
            <TaskTraces task={loaded} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** The line that the address leads to: `?line=stderr:1234`, a byte of a stream. */
function useLinkedPlace(): [LogPlace | null, (place: LogPlace | null) => void] {
  const navigate = useNavigate();
  const line = useLocation({ select: (location) => (location.search as { line?: string }).line });
  const [, stream, offset] = /^(stdout|stderr):(\d{1,15})$/.exec(line ?? "") ?? [];
  const place = stream && offset ? { stream: stream as LogPlace["stream"], offset: Number(offset) } : null;
  const setPlace = useCallback(
    (next: LogPlace | null) => {
      const search = next ? { line: `${next.stream}:${next.offset}` } : {};
      void navigate({ to: ".", search, replace: true, resetScroll: false });
    },
    [navigate],
  );
  return [place, setPlace];
}

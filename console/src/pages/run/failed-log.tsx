import { Link } from "@tanstack/react-router";
import { useRead } from "@/api/live";
import { TaskLink } from "@/parts/links";
import { LogView } from "@/parts/log/view";
import { useWords } from "./words";

/** What errors look like in most languages' output; RE2, as the agent's search takes it. */
const ERROR = [
  String.raw`^Traceback \(most recent call last\)`,
  String.raw`\b(FATAL|ERROR|CRITICAL|SEVERE|PANIC)\b`,
  String.raw`\w(Error|Exception)\b`,
  String.raw`(?i:^(error|fatal|panic)\b|command not found|permission denied|no such file)`,
].join("|");

/** The log of a shard that failed, open at the first line that looks like an error; at its end if none does. */
export function FailedLog({ taskId, item }: { taskId: string; item: number }) {
  const t = useWords();
  const search = useRead("/api/job/tasks/{taskId}/log/search", {
    path: { taskId },
    query: { q: ERROR, regex: true, limit: 1 },
    topics: [],
    keepPrevious: false,
  });
  if (search.isPending) return null;
  const found = search.data?.lines[0];
  const place = found
    ? { stream: found.stream === "stderr" ? ("stderr" as const) : ("stdout" as const), offset: found.offset }
    : null;
  return (
    <>
      <div className="run-log-head">
        <h3>{t("log_of", { item })}</h3>
        {found && place ? (
          <p className="run-first-error">
            {t("first_error")}{" "}
            <Link
              to="/tasks/$taskId"
              params={{ taskId }}
              search={{ line: `${place.stream}:${place.offset}` }}
              className="mono"
            >
              {found.line.trim()}
            </Link>
          </p>
        ) : (
          <TaskLink id={taskId}>{t("open_log")}</TaskLink>
        )}
      </div>
      <LogView taskId={taskId} compact place={place} />
    </>
  );
}

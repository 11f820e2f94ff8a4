import { useRead } from "@/api/live";
import { useWords } from "./words";

/** What errors look like in most languages' output; RE2, as the agent's search takes it. */
const ERROR =
  "^Traceback \\(most recent call last\\)|\\b(FATAL|ERROR|CRITICAL|SEVERE|PANIC)\\b|\\w(Error|Exception)\\b|^(?i:error|fatal|panic|failed)\\b|(?i:command not found|permission denied|no such file)";
const BYTES_SHOWN = 4000;
const LINES_SHOWN = 16;

/** The first line of a task's output that looks like an error, and what comes after it. */
export function FirstError({ taskId, item }: { taskId: string; item: number }) {
  const t = useWords();
  const found = useRead("/api/job/tasks/{taskId}/log/search", {
    path: { taskId },
    query: { q: ERROR, regex: true, stream: "both", limit: 1 },
    topics: [],
    keepPrevious: false,
  });
  const line = found.data?.lines[0];
  const from = useRead("/api/job/tasks/{taskId}/log", {
    path: { taskId },
    query: {
      stream: line?.stream === "stderr" ? "stderr" : "stdout",
      offset: line?.offset ?? 0,
      limit: BYTES_SHOWN,
    },
    topics: [],
    enabled: line !== undefined,
    keepPrevious: false,
  });
  // The output may be gone with its agent; the reason above is then all there is.
  if (line === undefined) return null;
  const content = from.data !== undefined && "content" in from.data ? from.data.content : line.line;
  return (
    <>
      <h3>{t("first_error", { item })}</h3>
      <p className="calm">{t("first_error_in", { stream: line.stream, offset: line.offset })}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="run-output" tabIndex={0}>
        {content.split("\n").slice(0, LINES_SHOWN).join("\n")}
      </pre>
    </>
  );
}

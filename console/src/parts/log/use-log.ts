import { useEffect, useMemo, useSyncExternalStore } from "react";
import { LogReader, type LogState, type StreamChoice } from "./reader";

const POLL_MS = 1000;

/** Read a task's output from its end, or from a byte of a stream; while `follows`, also what is yet to come. */
export function useLog(
  taskId: string,
  stream: StreamChoice,
  startOffset: number | null,
  follows: boolean,
): [LogReader, LogState] {
  const reader = useMemo(() => new LogReader(taskId, stream), [taskId, stream]);
  const state = useSyncExternalStore(reader.subscribe, reader.getState);

  useEffect(() => {
    reader.open();
    return () => reader.close();
  }, [reader]);

  useEffect(() => {
    void (startOffset === null ? reader.openAtEnd() : reader.openAt(startOffset));
  }, [reader, startOffset]);

  const isWatching = follows && !(state.isEnded && state.isAtEnd);
  useEffect(() => {
    if (!isWatching) return undefined;
    const timer = window.setInterval(() => {
      if (!document.hidden) void reader.newer();
    }, POLL_MS);
    return () => window.clearInterval(timer);
  }, [reader, isWatching]);

  return [reader, state];
}

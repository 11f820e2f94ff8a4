import { useCallback, useEffect, useRef, useState } from "react";
import { get } from "@/api/client";
import type { StreamChoice } from "./reader";
import type { Stream } from "./rows";

export interface Hit {
  stream: Stream;
  offset: number;
  line: string;
}

export interface Search {
  hits: readonly Hit[];
  searchedBytes: number;
  isBusy: boolean;
  /** What is left to be searched begins here; null: all is searched. */
  next: string | null;
  problem: string;
}

const IDLE: Search = { hits: [], searchedBytes: 0, isBusy: false, next: null, problem: "" };
const HITS_A_CALL = 100;
/** What most languages write when something goes wrong. */
export const ERROR_PATTERN =
  "^Traceback \\(most recent call last\\)|\\b(?:FATAL|ERROR|CRITICAL|SEVERE|panic:|Exception)\\b|(?i:^\\s*(?:error|fatal)\\b)";

/** Search a task's whole output, on the agent that keeps it. */
export function useLogSearch(taskId: string) {
  const [search, setSearch] = useState<Search | null>(null);
  const abort = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    abort.current?.abort();
    setSearch((before) => before && { ...before, isBusy: false });
  }, []);

  useEffect(() => () => abort.current?.abort(), []);

  const run = useCallback(
    async (
      text: string,
      isRegex: boolean,
      stream: StreamChoice,
      goOn: Search | null = null,
      most = HITS_A_CALL,
    ): Promise<readonly Hit[]> => {
      abort.current?.abort();
      const controller = new AbortController();
      abort.current = controller;
      const { signal } = controller;
      let found: Search = { ...(goOn ?? IDLE), isBusy: true, problem: "" };
      const wanted = found.hits.length + most;
      setSearch(found);
      try {
        do {
          const answer = await get("/api/job/tasks/{taskId}/log/search", {
            path: { taskId },
            query: {
              q: text,
              regex: isRegex,
              stream,
              limit: most,
              ...(found.next ? { cursor: found.next } : {}),
            },
            signal,
          });
          found = {
            ...found,
            hits: [...found.hits, ...(answer.lines as Hit[])],
            searchedBytes: found.searchedBytes + answer.searchedBytes,
            next: answer.next,
          };
          setSearch(found);
        } while (found.next !== null && found.hits.length < wanted);
        setSearch({ ...found, isBusy: false });
      } catch (error) {
        if (!signal.aborted) setSearch({ ...found, isBusy: false, problem: (error as Error).message });
      }
      return found.hits;
    },
    [taskId],
  );

  const clear = useCallback(() => {
    abort.current?.abort();
    setSearch(null);
  }, []);

  return { search, run, stop, clear };
}

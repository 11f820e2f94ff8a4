import {
  type Query as CachedQuery,
  keepPreviousData,
  type QueryClient,
  type UseQueryResult,
  useQuery,
} from "@tanstack/react-query";
import { type Answer, type CallOptions, type CallPath, get, type Query } from "./client";

/** What the scheduler counts revisions of (`GET /api/changes`). */
export type Topic = "apps" | "jobs" | "runs" | "tasks" | "agents" | "schedulers" | "alerts";

/** How often a page that is seen asks what has changed. The answer comes from memory. */
const POLL_MS = 1000;
const RETRY_MS = 2000;

export interface ReadOptions<P extends CallPath<"get">> {
  path?: Record<string, string | number>;
  query?: Query<P>;
  /** Read again when one of these has changed. Empty: only when asked. */
  topics: readonly Topic[];
  enabled?: boolean;
  /** Show the rows of the page before until those of the next have come. */
  keepPrevious?: boolean;
}

/** Read a call, and keep what is shown at most two seconds old: scroll, filters and selection stay. */
export function useRead<P extends CallPath<"get">>(
  path: P,
  { path: parts, query, topics, enabled = true, keepPrevious = true }: ReadOptions<P>,
): UseQueryResult<Answer<P>, Error> {
  const read = useQuery<unknown, Error>({
    queryKey: [path, parts ?? null, query ?? null],
    queryFn: ({ signal }) => {
      const options: CallOptions = { signal };
      if (parts) options.path = parts;
      if (query) options.query = query as NonNullable<CallOptions["query"]>;
      return get(path, options as CallOptions & { query?: Query<P> });
    },
    meta: { topics },
    enabled,
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
  });
  return read as UseQueryResult<Answer<P>, Error>;
}

/** A call that gives an array, or, asked for a page, a page of it. */
type Page<P extends CallPath<"get">> = Extract<Answer<P>, { rows: unknown[]; total: number }>;

export type RowOf<P extends CallPath<"get">> = Page<P>["rows"][number];

export const PAGE_ROWS = 50;

/** Read one page of a long list, from 1: never all of it. */
export function useReadPage<P extends CallPath<"get">>(
  path: P,
  page: number,
  { query, ...options }: ReadOptions<P>,
  rows = PAGE_ROWS,
): UseQueryResult<Page<P>, Error> {
  const paged = { ...query, page, per_page: rows } as unknown as Query<P>;
  return useRead(path, { ...options, query: paged }) as UseQueryResult<Page<P>, Error>;
}

/**
 * Ask for changes while the tab is seen, and make what is on screen read again. Returns what ends it.
 *
 * `isOn` tells whether anyone is logged in.
 */
export function startLive(client: QueryClient, isOn: () => boolean): () => void {
  let revision = "";
  let timer: number | undefined;
  let isEnded = false;
  let carried: ReadonlySet<string> = new Set();

  async function poll(): Promise<void> {
    timer = undefined;
    if (document.hidden || !isOn()) return schedule(POLL_MS);
    try {
      const changes = await get("/api/changes", { query: { since: revision } });
      const isFirst = revision === "";
      const topics = new Set([...(isFirst ? [] : Object.keys(changes.topics)), ...carried]);
      revision = changes.revision;
      // The tab may have been hidden meanwhile: what changed is read when it is seen again.
      carried = topics.size > 0 && !document.hidden ? refresh(client, topics) : topics;
      schedule(POLL_MS);
    } catch {
      schedule(RETRY_MS);
    }
  }

  function schedule(delay: number): void {
    if (!isEnded && timer === undefined) timer = window.setTimeout(poll, delay);
  }

  function onVisible(): void {
    if (document.hidden) return;
    window.clearTimeout(timer);
    timer = undefined;
    void poll();
  }

  document.addEventListener("visibilitychange", onVisible);
  schedule(0);
  return () => {
    isEnded = true;
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  };
}

/** Make what is seen read again. Gives the topics of reads that were on their way, and may have missed the change. */
function refresh(client: QueryClient, topics: ReadonlySet<string>): ReadonlySet<string> {
  const touches = (query: CachedQuery): boolean => topicsOf(query.meta).some((topic) => topics.has(topic));
  const underWay = client
    .getQueryCache()
    .findAll({ predicate: touches, fetchStatus: "fetching" })
    .flatMap((query) => topicsOf(query.meta).filter((topic) => topics.has(topic)));
  // A read that is on its way is not begun anew: a slow one would never end.
  void client.invalidateQueries({ predicate: touches }, { cancelRefetch: false });
  return new Set(underWay);
}

function topicsOf(meta: Record<string, unknown> | undefined): readonly string[] {
  const topics = meta?.topics;
  return Array.isArray(topics) ? (topics as string[]) : [];
}

import "./log.css";
import { useState } from "react";
import { Problem } from "@/parts/page";
import { LogLines } from "./lines";
import type { StreamChoice } from "./reader";
import type { Stream } from "./rows";
import { LogSearch } from "./search";
import { LogToolbar } from "./toolbar";
import { useLog } from "./use-log";
import { useLogSearch } from "./use-search";
import { useWords } from "./words";

/** A place in a task's output: a byte of one of its streams. */
export interface LogPlace {
  stream: Stream;
  offset: number;
}

/**
 * A task's output: opens at its end and follows it, or at `place`; search, both streams, colours.
 *
 * `onPlace` is told when a line is chosen, for a link to it. `compact` is for a log within another page.
 */
export function LogView({
  taskId,
  compact = false,
  place = null,
  onPlace,
}: {
  taskId: string;
  compact?: boolean;
  place?: LogPlace | null;
  onPlace?: (place: LogPlace | null) => void;
}) {
  const t = useWords();
  const [stream, setStream] = useState<StreamChoice>(place?.stream ?? "both");
  const [target, setTarget] = useState<LogPlace | null>(place);
  const [isFollowing, setIsFollowing] = useState(place === null);
  const [doesWrap, setDoesWrap] = useState(false);
  const [startOffset, setStartOffset] = useState<number | null>(place?.offset ?? null);
  const [reader, state] = useLog(taskId, stream, startOffset, isFollowing);
  const search = useLogSearch(taskId);

  function goTo(next: LogPlace): void {
    setIsFollowing(false);
    setStream(next.stream);
    setTarget(next);
    setStartOffset(next.offset);
    onPlace?.(next);
  }

  function goToEnd(): void {
    setTarget(null);
    setIsFollowing(true);
    onPlace?.(null);
    if (startOffset === null) void reader.openAtEnd();
    else setStartOffset(null);
  }

  function chooseStream(next: StreamChoice): void {
    setTarget(null);
    setStartOffset(null);
    setIsFollowing(true);
    setStream(next);
  }

  return (
    <section className={compact ? "log log-compact" : "log"} aria-label={t("log")}>
      <LogToolbar
        taskId={taskId}
        stream={stream}
        onStream={chooseStream}
        state={state}
        isFollowing={isFollowing}
        onFollow={goToEnd}
        onBeginning={() => goTo({ stream: stream === "both" ? "stdout" : stream, offset: 0 })}
        doesWrap={doesWrap}
        onWrap={setDoesWrap}
      />
      <LogSearch search={search} stream={stream} onHit={goTo} />
      {state.error ? <Problem error={state.error} retry={goToEnd} /> : null}
      <LogLines
        reader={reader}
        state={state}
        target={target}
        doesWrap={doesWrap}
        isFollowing={isFollowing}
        onFollowing={setIsFollowing}
        onChoose={onPlace ? goTo : undefined}
      />
    </section>
  );
}

import { LinkOutlined } from "@ant-design/icons";
import { useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { Skeleton } from "antd";
import { memo, useEffect, useLayoutEffect, useRef } from "react";
import { Ansi } from "./ansi";
import type { LogReader, LogState } from "./reader";
import type { Row } from "./rows";
import type { LogPlace } from "./view";
import { useWords } from "./words";

const ROW_PX = 20;
/** So near to an edge what comes next is read. */
const NEAR_PX = 600;
const AT_END_PX = 40;
/** A log of two lines needs no tall box; a scroll bar may need its place. */
const LEAST_PX = 80;
const BORDERS_PX = 24;

export interface LogLinesProps {
  reader: LogReader;
  state: LogState;
  target: LogPlace | null;
  doesWrap: boolean;
  isFollowing: boolean;
  onFollowing: (isFollowing: boolean) => void;
  onChoose: ((place: LogPlace) => void) | undefined;
}

/** The lines that are seen, of those that are read: rows of one height, measured only when lines wrap. */
export function LogLines(props: LogLinesProps) {
  const { reader, state, target, doesWrap, isFollowing, onFollowing, onChoose } = props;
  const t = useWords();
  const box = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const { rows } = state;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 20,
  });

  // What is seen stays where it is when lines come before it.
  useLayoutEffect(() => {
    if (state.prepended !== 0 && box.current) box.current.scrollTop += state.prepended * ROW_PX;
  }, [state]);

  useLayoutEffect(() => {
    if (isFollowing && rows.length > 0) virtual.scrollToIndex(rows.length - 1, { align: "end" });
  }, [isFollowing, rows, virtual]);

  useShownTarget(rows, target, (index) => virtual.scrollToIndex(index, { align: "center" }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights change with the wrap
  useEffect(() => virtual.measure(), [doesWrap, virtual]);

  function onScroll(): void {
    const element = box.current;
    if (!element) return;
    const below = element.scrollHeight - element.clientHeight - element.scrollTop;
    if (element.scrollTop < NEAR_PX && state.hasOlder && !isFollowing) void reader.older();
    if (below < NEAR_PX && !isFollowing && !state.isAtEnd) void reader.newer();
    const isAtBottom = below < AT_END_PX && state.isAtEnd;
    const goesUp = element.scrollTop < lastTop.current;
    lastTop.current = element.scrollTop;
    if (isFollowing && goesUp && below > AT_END_PX) onFollowing(false);
    else if (!isFollowing && isAtBottom && target === null) onFollowing(true);
  }

  if (state.isLoading && rows.length === 0) return <Skeleton active={false} />;
  if (rows.length === 0) return <p className="log-empty">{state.isEnded ? t("empty") : t("empty_yet")}</p>;
  const items = virtual.getVirtualItems();
  return (
    <>
      {state.isCut ? <p className="calm">{t("older_elsewhere")}</p> : null}
      <div
        ref={box}
        className="log-box"
        style={doesWrap ? undefined : { maxHeight: Math.max(LEAST_PX, rows.length * ROW_PX + BORDERS_PX) }}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keyboard
        tabIndex={0}
        role="log"
        aria-label={t("output")}
        aria-live="off"
      >
        <div className="log-space" style={{ height: virtual.getTotalSize() }}>
          <div className="log-seen" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
            {items.map((item) => (
              <Line
                key={item.key}
                item={item}
                row={rows[item.index] as Row}
                isTarget={isTarget(rows[item.index], target)}
                measure={doesWrap ? virtual.measureElement : undefined}
                onChoose={onChoose}
              />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

function isTarget(row: Row | undefined, target: LogPlace | null): boolean {
  return target !== null && row?.stream === target.stream && row.offset === target.offset;
}

/** Scroll to the target once, when it has come. */
function useShownTarget(rows: readonly Row[], target: LogPlace | null, show: (index: number) => void): void {
  const shown = useRef<LogPlace | null>(null);
  useLayoutEffect(() => {
    if (target === null || shown.current === target) return;
    const after = rows.findIndex((row) => row.stream === target.stream && row.offset > target.offset);
    const index = after < 0 ? rows.length - 1 : Math.max(0, after - 1);
    const row = rows[index];
    if (!row || row.offset > target.offset) return;
    if (after < 0 && row.offset !== target.offset && rows.length === 1) return;
    shown.current = target;
    show(index);
  }, [rows, target, show]);
}

const Line = memo(function Line({
  item,
  row,
  isTarget,
  measure,
  onChoose,
}: {
  item: VirtualItem;
  row: Row;
  isTarget: boolean;
  measure: ((element: Element | null) => void) | undefined;
  onChoose: ((place: LogPlace) => void) | undefined;
}) {
  const t = useWords();
  const names = ["log-row", measure ? "log-row-wrapped" : "", isTarget ? "log-row-target" : ""];
  if (row.stream === "stderr") names.push("log-row-stderr");
  if (row.isMark) names.push("log-row-mark");
  return (
    <div className={names.filter(Boolean).join(" ")} data-index={item.index} ref={measure}>
      {onChoose ? (
        <button
          type="button"
          className="log-link"
          tabIndex={-1}
          aria-label={t("line_link")}
          title={`${t("line_link")} (${row.stream}:${row.offset})`}
          onClick={() => onChoose({ stream: row.stream, offset: row.offset })}
        >
          <LinkOutlined aria-hidden />
        </button>
      ) : null}
      <span className="log-text">
        <Ansi text={row.text} />
      </span>
    </div>
  );
});

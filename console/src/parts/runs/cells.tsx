import { Button } from "antd";
import { useState } from "react";
import { epochOf, type Moment, useShownLength, When } from "../time/time";
import type { Run } from "./types";
import { useWords } from "./words";

/** From when it was due to when it started; less than nothing is nothing. */
export function Lateness({ due, start }: { due: Moment; start: Moment }) {
  const shown = useShownLength();
  const from = epochOf(due);
  const to = epochOf(start);
  if (from === null || to === null) return <span aria-hidden="true">–</span>;
  const late = Math.max(0, to - from);
  return <span className={late >= 60_000 ? "nowrap warn" : "nowrap"}>{shown(late)}</span>;
}

/** A dropped run may stand for many due times. */
export function Due({ run }: { run: Run }) {
  const t = useWords();
  if (run.count <= 1) return <When at={run.dueTime} />;
  return (
    <>
      <When at={run.dueTime} />
      <div className="calm">
        {t("times_count", { count: run.count })} <When at={run.lastDueTime} />
      </div>
    </>
  );
}

export function ShardCount({ run }: { run: Run }) {
  const t = useWords();
  const { total, succeeded, failed } = run.shards;
  if (total === 0) return <span aria-hidden="true">–</span>;
  return (
    <span className="nowrap" title={t("shards_title", { total, succeeded, failed })}>
      {succeeded}/{total}
      {failed > 0 ? <span className="bad"> · {t("shards_failed", { failed })}</span> : null}
    </span>
  );
}

const SHORT = 110;

/** One line of what may be long; the whole of it when asked for. */
export function OneLine({ text, bad = false }: { text: string; bad?: boolean }) {
  const t = useWords();
  const [isOpen, setIsOpen] = useState(false);
  if (text === "") return null;
  const isLong = text.length > SHORT || text.includes("\n");
  return (
    <div className={bad ? "runs-line bad" : "runs-line"}>
      <span className={isOpen ? "runs-whole" : "runs-short"}>{text}</span>
      {isLong ? (
        <Button
          type="link"
          size="small"
          className="runs-more"
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {t(isOpen ? "less" : "more")}
        </Button>
      ) : null}
    </div>
  );
}

const DROPPED = ["misfired", "disabled", "queue full", "removed", "killed"] as const;

/** Why a run was dropped, in the language of the page; other reasons are sentences of the scheduler. */
export function useReason(): (run: Pick<Run, "state" | "reason">) => string {
  const t = useWords();
  return ({ state, reason }) => {
    const known = state === "DROPPED" ? DROPPED.find((each) => each === reason) : undefined;
    return known ? t(`r_${known}`) : reason;
  };
}

export function Reason({ run }: { run: Run }) {
  return <OneLine text={useReason()(run)} />;
}

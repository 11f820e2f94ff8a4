import { Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useState } from "react";
import type { Attempt, Shard } from "@/parts/runs/types";
import { useNow } from "@/parts/time/clock";
import { epochOf, useShownLength } from "@/parts/time/time";
import { useWords as useStates } from "@/parts/words";
import { useWords } from "./words";

const ROWS = 50;
const MORE = 200;
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const LOOKS: Record<string, string> = {
  TASK_STAGING: "calm",
  TASK_RUNNING: "busy",
  TASK_FINISHED: "good",
  TASK_KILLED: "warn",
  TASK_DROPPED: "warn",
};

function beginOf(attempt: Attempt): number | null {
  return epochOf(attempt.startTime) ?? epochOf(attempt.stagedTime);
}

/** When each shard ran: a row for each, a bar for each attempt. */
export function Gantt({ shards, isLive }: { shards: readonly Shard[]; isLive: boolean }) {
  const t = useWords();
  const length = useShownLength();
  const second = useNow();
  const [most, setMost] = useState(ROWS);
  const attempts = shards.flatMap((shard) => shard.attempts);
  const begins = attempts.map(beginOf).filter((at) => at !== null);
  if (begins.length === 0) return null;
  const ends = attempts.map(({ endTime }) => epochOf(endTime)).filter((at) => at !== null);
  const from = lowest(begins);
  const to = Math.max(from + 1, highest(ends), isLive ? second : 0);
  const left = shards.length - most;
  return (
    <section className="panel" aria-labelledby="run-gantt">
      <h2 id="run-gantt">{t("gantt")}</h2>
      <p className="calm">{t("gantt_hint")}</p>
      <div className="run-gantt">
        <div className="run-row" aria-hidden="true">
          <span className="run-name" />
          <span className="run-track run-axis">
            {TICKS.map((tick) => (
              <span key={tick} style={{ insetInlineStart: `${tick * 100}%` }}>
                {tick === 0 ? "0" : `+${length((to - from) * tick)}`}
              </span>
            ))}
          </span>
        </div>
        <ul>
          {shards.slice(0, most).map((shard) => (
            <li key={shard.item} className="run-row">
              <span className="run-name" title={shard.parameter}>
                {shard.item}
                {shard.parameter ? <span className="calm"> {shard.parameter}</span> : null}
              </span>
              <span className="run-track">
                {shard.attempts.map((attempt) => (
                  <Bar key={attempt.taskId} attempt={attempt} item={shard.item} from={from} to={to} />
                ))}
              </span>
            </li>
          ))}
        </ul>
      </div>
      {left > 0 ? (
        <Button size="small" onClick={() => setMost(most + MORE)}>
          {t("show_more", { count: Math.min(MORE, left), left })}
        </Button>
      ) : null}
    </section>
  );
}

function Bar({ attempt, item, from, to }: { attempt: Attempt; item: number; from: number; to: number }) {
  const t = useWords();
  const states = useStates();
  const length = useShownLength();
  const begin = beginOf(attempt);
  if (begin === null) return null;
  const end = epochOf(attempt.endTime) ?? to;
  const isFailed = attempt.success === false && attempt.state === "TASK_FINISHED";
  const look = isFailed ? "bad" : (LOOKS[attempt.state] ?? "bad");
  const name = t("bar", {
    item,
    attempt: attempt.attempt,
    state: states(isFailed ? "FAILED" : attempt.state),
    length: length(end - begin),
    agent: attempt.agentId,
  });
  const share = (at: number): number => (100 * (at - from)) / (to - from);
  return (
    <Link
      to="/tasks/$taskId"
      params={{ taskId: attempt.taskId }}
      className={`run-bar run-bar-${look}`}
      style={{ insetInlineStart: `${share(begin)}%`, width: `${share(end) - share(begin)}%` }}
      title={name}
      aria-label={name}
    />
  );
}

/** `Math.min(...values)` has a limit of arguments. */
function lowest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
}

function highest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other), 0);
}

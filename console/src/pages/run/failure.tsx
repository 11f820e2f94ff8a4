import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useReason } from "@/parts/runs/cells";
import { isLive, type Run, type Shard } from "@/parts/runs/types";
import { FailedLog } from "./failed-log";
import { byReason, failedFirst, lastOf } from "./shard";
import { useWords } from "./words";

const REASONS_SHOWN = 10;
const SHARDS_NAMED = 30;

/** The first thing seen: what failed, and why; else why it waits, never ran, or that all is well. */
export function Summary({ run, shards }: { run: Run; shards: readonly Shard[] }) {
  const failed = failedFirst(shards);
  if (failed.length > 0 || run.state === "FAILED") return <Failure run={run} failed={failed} />;
  return <Outcome run={run} />;
}

function Box({ look, title, children }: { look: string; title: string; children: ReactNode }) {
  return (
    <section className={`panel run-summary run-${look}`} aria-labelledby="run-summary">
      <h2 id="run-summary" className={look}>
        {title}
      </h2>
      {children}
    </section>
  );
}

function Outcome({ run }: { run: Run }) {
  const t = useWords();
  const reason = useReason();
  const { total, running, succeeded, waiting } = run.shards;
  switch (run.state) {
    case "WAITING":
      return (
        <Box look="calm" title={t("waits_title")}>
          <p>{run.reason || t("no_reason_yet")}</p>
        </Box>
      );
    case "DROPPED":
      return (
        <Box look="warn" title={t("dropped_title")}>
          <p>{reason(run)}</p>
        </Box>
      );
    case "KILLED":
      return (
        <Box look="warn" title={t("killed_title")}>
          <p>{run.reason || run.summary}</p>
        </Box>
      );
    case "RUNNING":
      return (
        <section className="panel run-summary" aria-live="polite">
          {run.reason ? (
            <p className="warn">
              {t("stopping_title")}: {run.reason}
            </p>
          ) : null}
          <p>{t("running", { running, total, succeeded, waiting })}</p>
        </section>
      );
    default:
      return (
        <section className="panel run-summary">
          <p className="good">{total > 0 ? t("all_succeeded", { count: total }) : t("succeeded")}</p>
        </section>
      );
  }
}

function Failure({ run, failed }: { run: Run; failed: readonly Shard[] }) {
  const t = useWords();
  const reasons = byReason(failed);
  const first = failed[0];
  const last = first ? lastOf(first) : undefined;
  return (
    <Box look="bad" title={t(isLive(run) ? "failing_title" : "failed_title")}>
      {run.summary && reasons.length !== 1 ? <p className="run-reason">{run.summary}</p> : null}
      {run.shards.total > 1 ? (
        <p className="calm">{t("failed_count", { failed: run.shards.failed, total: run.shards.total })}</p>
      ) : null}
      <ul className="run-reasons">
        {reasons.slice(0, REASONS_SHOWN).map(([reason, shards]) => (
          <li key={reason}>
            <p className="run-reason">{reason || t("no_reason")}</p>
            {run.shards.total > 1 ? <Named shards={shards} /> : null}
          </li>
        ))}
      </ul>
      {reasons.length > REASONS_SHOWN ? (
        <p>{t("and_more", { count: reasons.length - REASONS_SHOWN })}</p>
      ) : null}
      {first && last ? (
        <>
          {last.detail && last.detail !== last.summary ? (
            <details>
              <summary>{t("whole_reason")}</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
              <pre className="run-output" tabIndex={0}>
                {last.detail}
              </pre>
            </details>
          ) : null}
          <FailedLog key={last.taskId} taskId={last.taskId} item={first.item} />
        </>
      ) : null}
    </Box>
  );
}

/** The shards of a reason, each leads to its task. */
function Named({ shards }: { shards: readonly Shard[] }) {
  const t = useWords();
  return (
    <p className="run-named">
      {shards.slice(0, SHARDS_NAMED).map((shard) => {
        const last = lastOf(shard);
        const name = shard.parameter
          ? `${t("shard", { item: shard.item })} (${shard.parameter})`
          : t("shard", { item: shard.item });
        return last ? (
          <Link key={shard.item} to="/tasks/$taskId" params={{ taskId: last.taskId }} className="nowrap">
            {name}
          </Link>
        ) : (
          <span key={shard.item}>{name}</span>
        );
      })}
      {shards.length > SHARDS_NAMED ? (
        <span>{t("and_more", { count: shards.length - SHARDS_NAMED })}</span>
      ) : null}
    </p>
  );
}

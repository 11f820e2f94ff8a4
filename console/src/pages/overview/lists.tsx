import { Link } from "@tanstack/react-router";
import { Tag } from "antd";
import type { ReactNode } from "react";
import { useRead } from "@/api/live";
import { JobLink, RunLink } from "@/parts/links";
import { Loaded } from "@/parts/page";
import { State } from "@/parts/states";
import { epochOf, Lasted, When } from "@/parts/time/time";
import type { Overview } from ".";
import { useWords } from "./words";

const LATE_MS = 60_000;
const RUNNING_ROWS = 8;

/** A panel with a short table, or a sentence where it has no rows. */
function Listed({
  id,
  title,
  empty,
  heads,
  footer,
  children,
}: {
  id: string;
  title: string;
  empty: string;
  heads: readonly string[];
  footer?: ReactNode;
  children: readonly ReactNode[];
}) {
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children.length === 0 ? (
        <p className="calm">{empty}</p>
      ) : (
        <div className="overview-scroll">
          <table className="overview-table">
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
      {footer}
    </section>
  );
}

export function Failing({ failing }: { failing: Overview["failing"] }) {
  const t = useWords();
  return (
    <Listed
      id="failing"
      title={t("failing")}
      empty={failing.complete ? t("none_failing") : t("incomplete")}
      heads={[t("job"), t("since"), t("summary"), t("run")]}
      footer={
        <>
          {failing.complete || failing.rows.length === 0 ? null : <p className="calm">{t("incomplete")}</p>}
          {failing.total > failing.rows.length ? (
            <Link to="/jobs" search={{ state: "FAILED" }}>
              {t("all", { count: failing.total })}
            </Link>
          ) : null}
        </>
      }
    >
      {failing.rows.map(({ jobName, since, summary, runId }) => (
        <tr key={jobName}>
          <td>
            <JobLink name={jobName} />
          </td>
          <td>
            <When at={since} relative />
          </td>
          <td className="overview-text bad">{summary}</td>
          <td className="nowrap">
            {runId === null ? "–" : <RunLink id={runId}>{t("open_run", { id: runId })}</RunLink>}
          </td>
        </tr>
      ))}
    </Listed>
  );
}

export function Waiting({ waiting, now }: { waiting: Overview["waiting"]; now: string }) {
  const t = useWords();
  const present = epochOf(now) ?? 0;
  return (
    <Listed
      id="waiting"
      title={t("waiting")}
      empty={t("none_waiting")}
      heads={[t("job"), t("due"), t("reason")]}
      footer={
        <>
          {waiting.late > 0 ? <p className="warn">{t("late_hint", { count: waiting.late })}</p> : null}
          {waiting.total > waiting.rows.length ? (
            <Link to="/tasks">{t("all", { count: waiting.total })}</Link>
          ) : null}
        </>
      }
    >
      {waiting.rows.map(({ jobName, dueTime, times, reason }) => (
        <tr key={jobName}>
          <td>
            <JobLink name={jobName} />
            {times > 1 ? <span className="calm"> ×{times}</span> : null}
          </td>
          <td className="nowrap">
            <When at={dueTime} relative />{" "}
            {present - (epochOf(dueTime) ?? present) > LATE_MS ? (
              <Tag color="warning">{t("late_tag")}</Tag>
            ) : null}
          </td>
          <td className="overview-text">{reason}</td>
        </tr>
      ))}
    </Listed>
  );
}

export function Running({ total }: { total: number }) {
  const t = useWords();
  const runs = useRead("/api/job/runs", {
    query: { state: "RUNNING", limit: RUNNING_ROWS },
    topics: ["runs", "tasks"],
  });
  return (
    <Loaded read={runs}>
      {({ rows }) => (
        <Listed
          id="running"
          title={t("running")}
          empty={t("none_running")}
          heads={[t("job"), t("run"), t("shards"), t("lasted")]}
          footer={
            total > rows.length && rows.length > 0 ? (
              <Link to="/runs" search={{ state: "RUNNING" }}>
                {t("all", { count: total })}
              </Link>
            ) : null
          }
        >
          {rows.map((run) => (
            <tr key={run.runId}>
              <td>
                <JobLink name={run.jobName} />
              </td>
              <td className="nowrap">
                <RunLink id={run.runId}>{t("open_run", { id: run.runId })}</RunLink>
              </td>
              <td className="nowrap">
                {t("shards_done", {
                  done: run.shards.succeeded + run.shards.failed,
                  total: run.shards.total,
                })}
              </td>
              <td>
                <Lasted start={run.startTime} end={run.endTime} />
              </td>
            </tr>
          ))}
        </Listed>
      )}
    </Loaded>
  );
}

export function NextFires({ rows }: { rows: Overview["nextFires"] }) {
  const t = useWords();
  return (
    <Listed
      id="next-fires"
      title={t("next_fires")}
      empty={t("none_next")}
      heads={[t("job"), t("fires"), t("time")]}
      footer={
        <Link to="/jobs" search={{ sort: "nextFire" }}>
          {t("more")}
        </Link>
      }
    >
      {rows.slice(0, 10).map(({ jobName, time }) => (
        <tr key={jobName}>
          <td>
            <JobLink name={jobName} />
          </td>
          <td>
            <When at={time} relative />
          </td>
          <td>
            <When at={time} />
          </td>
        </tr>
      ))}
    </Listed>
  );
}

export function OpenAlerts({ rows }: { rows: Overview["alerts"] }) {
  const t = useWords();
  return (
    <Listed
      id="alerts"
      title={t("alerts")}
      empty={t("none_alerts")}
      heads={[t("alert"), t("since"), t("summary")]}
      footer={<Link to="/alerts">{t("more")}</Link>}
    >
      {rows.slice(0, 5).map((alert) => (
        <tr key={alert.id}>
          <td>
            <State state={alert.severity} />{" "}
            {alert.jobName ? <JobLink name={alert.jobName} /> : alert.subject}
          </td>
          <td>
            <When at={alert.since || alert.firedTime} relative />
          </td>
          <td className="overview-text">{alert.summary}</td>
        </tr>
      ))}
    </Listed>
  );
}

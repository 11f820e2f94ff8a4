import { Link, type LinkProps } from "@tanstack/react-router";
import { useAmounts } from "@/parts/amounts";
import { Meter } from "@/parts/meter";
import { useShownLength } from "@/parts/time/time";
import type { Overview } from ".";
import { useWords } from "./words";

/** The counts of the page, each leading to its rows. */
export function Tiles({ data }: { data: Overview }) {
  const t = useWords();
  const failing: LinkProps = { to: "/jobs", search: { state: "FAILED" } };
  return (
    <ul className="overview-tiles">
      <Tile name={t("failing")} count={data.failing.total} look="bad" link={failing} />
      <Tile name={t("late")} count={data.waiting.late} look="warn" link={{ to: "/tasks" }} />
      <Tile name={t("waiting")} count={data.waiting.total} link={{ to: "/tasks" }} />
      <Tile
        name={t("running")}
        count={data.runningRuns}
        link={{ to: "/runs", search: { state: "RUNNING" } }}
      />
      <Tile name={t("alerts")} count={data.alerts.length} look="bad" link={{ to: "/alerts" }} />
      <Tile name={t("agents")} count={data.agents.total} link={{ to: "/agents" }} />
      <Tile name={t("jobs")} count={data.jobs} link={{ to: "/jobs" }} />
    </ul>
  );
}

function Tile({
  name,
  count,
  link,
  look = "",
}: {
  name: string;
  count: number;
  link: LinkProps;
  look?: string;
}) {
  const { number } = useAmounts();
  return (
    <li>
      <Link {...link} className="overview-tile">
        <span className={`overview-count ${count > 0 ? look : ""}`}>{number(count)}</span>
        <span>{name}</span>
      </Link>
    </li>
  );
}

export function Results({ results }: { results: Overview["results"] }) {
  const t = useWords();
  return (
    <section className="panel" aria-labelledby="results">
      <h2 id="results">{t("results")}</h2>
      <dl className="overview-pairs">
        <dt>{t("last_hour")}</dt>
        <dd>
          <Result {...results.lastHour} />
        </dd>
        <dt>{t("last_day")}</dt>
        <dd>
          <Result {...results.lastDay} />
        </dd>
      </dl>
    </section>
  );
}

function Result({ succeeded, failed }: { succeeded: number; failed: number }) {
  const t = useWords();
  const { number } = useAmounts();
  const all = succeeded + failed;
  if (all === 0) return <span className="calm">{t("no_result")}</span>;
  // Few failures among many still show.
  const share = failed === 0 ? 0 : Math.max(2, (failed / all) * 100);
  return (
    <>
      {t("result", { succeeded: number(succeeded), failed: number(failed) })}
      <span className="overview-bar" aria-hidden="true">
        <span className="overview-failed" style={{ width: `${share}%` }} />
      </span>
    </>
  );
}

export function Lateness({ lateness }: { lateness: Overview["lateness"] }) {
  const t = useWords();
  const shown = useShownLength();
  const { p50Ms, p99Ms } = lateness;
  return (
    <section className="panel" aria-labelledby="lateness">
      <h2 id="lateness">{t("lateness")}</h2>
      {p50Ms === null || p99Ms === null ? (
        <p className="calm">{t("no_fires")}</p>
      ) : (
        <>
          <dl className="overview-pairs">
            <dt>{t("p50")}</dt>
            <dd>{shown(p50Ms)}</dd>
            <dt>{t("p99")}</dt>
            <dd>{shown(p99Ms)}</dd>
          </dl>
          <p className="calm overview-hint">{t("lateness_hint")}</p>
        </>
      )}
    </section>
  );
}

export function Room({ agents }: { agents: Overview["agents"] }) {
  const t = useWords();
  const { cpus, mebibytes } = useAmounts();
  return (
    <section className="panel" aria-labelledby="room">
      <h2 id="room">{t("room")}</h2>
      {agents.total === 0 ? (
        <p className="bad">
          {t("no_agent")} <Link to="/agents">{t("how_to_start")}</Link>
        </p>
      ) : (
        <>
          <dl className="overview-pairs">
            <dt>{t("cpu")}</dt>
            <dd>
              <Meter
                used={agents.cpusUsed}
                total={agents.cpusTotal}
                text={t("of", { used: cpus(agents.cpusUsed), total: cpus(agents.cpusTotal) })}
              />
            </dd>
            <dt>{t("memory")}</dt>
            <dd>
              <Meter
                used={agents.memoryMBUsed}
                total={agents.memoryMBTotal}
                text={t("of", {
                  used: mebibytes(agents.memoryMBUsed),
                  total: mebibytes(agents.memoryMBTotal),
                })}
              />
            </dd>
          </dl>
          <p className="overview-hint">
            <Link to="/agents">{t("agents_count", { count: agents.total })}</Link>
            {agents.draining > 0 ? (
              <span className="warn"> · {t("draining", { count: agents.draining })}</span>
            ) : null}
          </p>
        </>
      )}
    </section>
  );
}

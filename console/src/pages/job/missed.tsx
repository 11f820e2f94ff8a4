import { Link } from "@tanstack/react-router";
import { useRead } from "@/api/live";
import { RunLink } from "@/parts/links";
import { Due, useReason } from "@/parts/runs/cells";
import { EVER, type Run } from "@/parts/runs/types";
import { State } from "@/parts/states";
import { useWords } from "./words";

const SHOWN = 10;

/** Fires that never became a run, with the reason, and those that were made up for. */
export function Missed({ jobName }: { jobName: string }) {
  const t = useWords();
  const dropped = useRead("/api/job/runs", {
    query: { jobName, state: "DROPPED", startTime: EVER, limit: SHOWN },
    topics: ["runs"],
  });
  const madeUp = useRead("/api/job/runs", {
    query: { jobName, source: "MISFIRE", startTime: EVER, limit: SHOWN },
    topics: ["runs"],
  });
  if (dropped.data === undefined || madeUp.data === undefined) return null;
  const lost = dropped.data.rows;
  const late = madeUp.data.rows.filter(({ state }) => state !== "DROPPED");
  return (
    <section className="panel" aria-labelledby="job-missed">
      <h2 id="job-missed">{t("missed")}</h2>
      {lost.length + late.length === 0 ? <p className="calm">{t("no_missed")}</p> : null}
      {lost.length > 0 ? (
        <>
          <h3>{t("dropped")}</h3>
          <Fires runs={lost} withReason />
          {dropped.data.next ? (
            <p>
              <Link to="/runs" search={{ jobName, state: "DROPPED", since: "all" }}>
                {t("all_dropped")}
              </Link>
            </p>
          ) : null}
        </>
      ) : null}
      {late.length > 0 ? (
        <>
          <h3>{t("made_up")}</h3>
          <Fires runs={late} />
        </>
      ) : null}
    </section>
  );
}

function Fires({ runs, withReason = false }: { runs: readonly Run[]; withReason?: boolean }) {
  const t = useWords();
  const reason = useReason();
  return (
    <table className="job-table">
      <thead>
        <tr>
          <th scope="col">{t("run")}</th>
          <th scope="col">{t("due")}</th>
          {withReason ? (
            <>
              <th scope="col">{t("due_times")}</th>
              <th scope="col">{t("reason")}</th>
            </>
          ) : (
            <th scope="col">{t("state")}</th>
          )}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.runId}>
            <th scope="row">
              <RunLink id={run.runId} />
            </th>
            <td>
              <Due run={run} />
            </td>
            {withReason ? (
              <>
                <td>{run.count}</td>
                <td>{reason(run)}</td>
              </>
            ) : (
              <td>
                <State state={run.state} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

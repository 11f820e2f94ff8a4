import { Alert, Button, Select } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { RunLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { Lateness } from "@/parts/runs/cells";
import { Pages, RunsTable } from "@/parts/runs/table";
import { EVER, type JobConfiguration, parametersOf, RUN_STATES, type Run } from "@/parts/runs/types";
import { Source, State } from "@/parts/states";
import { Lasted, useShownTime, When } from "@/parts/time/time";
import { Compare } from "./compare";
import type { JobFilters } from "./filters";
import { Grid } from "./grid";
import { Missed } from "./missed";
import { useWords } from "./words";

const COLUMNS = 50;
/** Some of them may be fires that were dropped, which have no shards to show. */
const LOOKED_AT = 100;
const ROWS = 50;
const COMPARED = 2;

/** What runs and waits now, the grid of the last runs, what was missed, and all runs. */
export function RunsTab({
  jobName,
  job,
  filters,
  onFilter,
}: {
  jobName: string;
  job: JobConfiguration | undefined;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  const [one, other] = filters.compare.split(",").map(Number);
  return (
    <>
      <Now jobName={jobName} />
      {one && other && one !== other ? (
        <Compare key={filters.compare} ids={[one, other]} onClose={() => onFilter({ compare: "" })} />
      ) : null}
      <LastRuns jobName={jobName} job={job} />
      <Missed jobName={jobName} />
      <AllRuns jobName={jobName} filters={filters} onFilter={onFilter} />
    </>
  );
}

/** Why it waits, or how far it is. */
function Now({ jobName }: { jobName: string }) {
  const t = useWords();
  const shown = useShownTime();
  const waiting = useRead("/api/job/runs", {
    query: { jobName, state: "WAITING", limit: ROWS },
    topics: ["runs"],
  });
  const running = useRead("/api/job/runs", {
    query: { jobName, state: "RUNNING", limit: 1 },
    topics: ["runs", "tasks"],
  });
  const runs = running.data?.rows[0];
  // The newest comes first; it is the oldest that is next.
  const waits = waiting.data?.rows.at(-1);
  const more = (waiting.data?.rows.length ?? 0) - 1;
  return (
    <div aria-live="polite">
      {runs ? (
        <Alert
          type="info"
          className="block"
          title={<RunLink id={runs.runId}>{t("running_now", { id: runs.runId })}</RunLink>}
          description={runs.reason || t("runs_progress", runs.shards)}
        />
      ) : null}
      {waits ? (
        <Alert
          type="warning"
          className="block"
          title={
            <RunLink id={waits.runId}>{t("waits", { id: waits.runId, since: shown(waits.dueTime) })}</RunLink>
          }
          description={
            <>
              {waits.reason}
              {more > 0 ? <div>{t("waiting_more", { count: more })}</div> : null}
            </>
          }
        />
      ) : null}
    </div>
  );
}

function LastRuns({ jobName, job }: { jobName: string; job: JobConfiguration | undefined }) {
  const t = useWords();
  const last = useRead("/api/job/runs", {
    query: { jobName, startTime: EVER, include: "shards", limit: LOOKED_AT },
    topics: ["runs", "tasks"],
  });
  const parameters = parametersOf(job?.shardingItemParameters ?? "");
  return (
    <section className="panel" aria-labelledby="job-grid">
      <h2 id="job-grid">{t("grid")}</h2>
      <Loaded read={last}>
        {({ rows: all }) => {
          const rows = all.filter(({ state }) => state !== "DROPPED").slice(0, COLUMNS);
          return rows.length === 0 ? (
            <Nothing text={t(all.length > 0 ? "grid_all_dropped" : "grid_none")} />
          ) : (
            <>
              <p className="calm">{t("grid_hint")}</p>
              <Grid runs={rows} parameters={parameters} total={job?.shardingTotalCount ?? 0} />
              <details className="job-more">
                <summary>{t("durations")}</summary>
                <Durations runs={rows} />
              </details>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Durations({ runs }: { runs: readonly Run[] }) {
  const t = useWords();
  return (
    <table className="job-table">
      <thead>
        <tr>
          <th scope="col">{t("run")}</th>
          <th scope="col">{t("state")}</th>
          <th scope="col">{t("source")}</th>
          <th scope="col">{t("due")}</th>
          <th scope="col">{t("lateness")}</th>
          <th scope="col">{t("duration")}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.runId}>
            <th scope="row">
              <RunLink id={run.runId} />
            </th>
            <td>
              <State state={run.state} />
            </td>
            <td>
              <Source source={run.source} />
            </td>
            <td>
              <When at={run.dueTime} />
            </td>
            <td>
              <Lateness due={run.dueTime} start={run.startTime} />
            </td>
            <td>
              <Lasted start={run.startTime} end={run.endTime} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Every run, however old: a job that has not run for days shows its last ones. */
function AllRuns({
  jobName,
  filters,
  onFilter,
}: {
  jobName: string;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  const t = useWords();
  const [picked, setPicked] = useState<number[]>([]);
  const { state, cursor } = filters;
  const runs = useRead("/api/job/runs", {
    query: {
      jobName,
      startTime: EVER,
      limit: ROWS,
      cursor,
      ...(state ? { state: state as Run["state"] } : {}),
    },
    topics: ["runs"],
  });
  const [one, other] = [...picked].sort((a, b) => a - b);
  return (
    <section className="panel" aria-labelledby="job-list">
      <h2 id="job-list">{t("list")}</h2>
      <div className="bar">
        <label htmlFor="job-state" className="calm">
          {t("state")}
        </label>
        <Select
          id="job-state"
          className="job-select"
          value={state}
          onChange={(chosen) => onFilter({ state: chosen })}
          options={[
            { value: "", label: t("any_state") },
            ...RUN_STATES.map((each) => ({ value: each, label: <State state={each} /> })),
          ]}
        />
        {one !== undefined && other !== undefined ? (
          <Button
            type="primary"
            onClick={() => {
              onFilter({ compare: `${one},${other}` });
              setPicked([]);
            }}
          >
            {t("compare_picked", { one, other })}
          </Button>
        ) : (
          <span className="calm">{t("compare_pick")}</span>
        )}
        {picked.length > 0 ? <Button onClick={() => setPicked([])}>{t("compare_clear")}</Button> : null}
      </div>
      <Loaded read={runs}>
        {({ rows, next }) => (
          <>
            <RunsTable
              rows={rows}
              isFetching={runs.isPlaceholderData}
              nothing={t(state ? "no_runs_of_state" : "no_runs")}
              picking={{ picked, onPick: setPicked, most: COMPARED }}
            />
            <Pages cursor={cursor} next={next} onGo={(to) => onFilter({ cursor: to })} />
          </>
        )}
      </Loaded>
    </section>
  );
}

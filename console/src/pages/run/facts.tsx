import { Link } from "@tanstack/react-router";
import { Descriptions } from "antd";
import { useRead } from "@/api/live";
import { AgentLink, AppLink, RunLink } from "@/parts/links";
import { Lateness } from "@/parts/runs/cells";
import { EVER, type Run, type Shard } from "@/parts/runs/types";
import { Source } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import { useWords } from "./words";

const AGENTS_NAMED = 8;
const RERUNS_LOOKED_AT = 50;

/** When it was what, where it came from, and which runs belong to it. */
export function Facts({ run, shards }: { run: Run; shards: readonly Shard[] }) {
  const t = useWords();
  const reruns = useRead("/api/job/runs", {
    query: { jobName: run.jobName, source: "RERUN", startTime: run.dueTime, limit: RERUNS_LOOKED_AT },
    topics: ["runs"],
  });
  const before = useRead("/api/job/runs", {
    query: { jobName: run.jobName, state: "SUCCEEDED", startTime: EVER, endTime: run.dueTime, limit: 2 },
    topics: [],
  });
  const repeats = (reruns.data?.rows ?? []).filter(({ rerunOf }) => rerunOf === run.runId);
  const last = (before.data?.rows ?? []).find(({ runId }) => runId < run.runId);
  const agents = [
    ...new Set(shards.flatMap(({ attempts }) => attempts.map(({ agentId }) => agentId))),
  ].filter(Boolean);
  return (
    <section className="panel" aria-labelledby="run-facts">
      <h2 id="run-facts">{t("facts")}</h2>
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 1, md: 2, lg: 3 }}
        items={[
          { key: "due", label: t("due"), children: <When at={run.dueTime} /> },
          { key: "started", label: t("started"), children: <When at={run.startTime} /> },
          { key: "ended", label: t("ended"), children: <When at={run.endTime} /> },
          {
            key: "lateness",
            label: t("lateness"),
            children: <Lateness due={run.dueTime} start={run.startTime} />,
          },
          {
            key: "duration",
            label: t("duration"),
            children: <Lasted start={run.startTime} end={run.endTime} />,
          },
          { key: "source", label: t("source"), children: <Source source={run.source} /> },
          ...(run.triggeredBy ? [{ key: "by", label: t("triggered_by"), children: run.triggeredBy }] : []),
          ...(run.rerunOf === null
            ? []
            : [{ key: "of", label: t("rerun_of"), children: <RunLink id={run.rerunOf} /> }]),
          ...(repeats.length > 0
            ? [
                {
                  key: "repeats",
                  label: t("repeated_by"),
                  children: (
                    <span className="run-named">
                      {repeats.map(({ runId }) => (
                        <RunLink key={runId} id={runId} />
                      ))}
                    </span>
                  ),
                },
              ]
            : []),
          ...(run.count > 1
            ? [
                {
                  key: "count",
                  label: t("many_due", { count: run.count }),
                  children: <When at={run.lastDueTime} />,
                },
              ]
            : []),
          { key: "app", label: t("app"), children: <AppLink name={run.appName} /> },
          ...(agents.length > 0
            ? [
                {
                  key: "agents",
                  label: t("agents"),
                  children: (
                    <span className="run-named">
                      {agents.slice(0, AGENTS_NAMED).map((id) => (
                        <AgentLink key={id} id={id} />
                      ))}
                      {agents.length > AGENTS_NAMED ? (
                        <span>{t("and_more", { count: agents.length - AGENTS_NAMED })}</span>
                      ) : null}
                    </span>
                  ),
                },
              ]
            : []),
          ...(last && run.startTime !== null
            ? [
                {
                  key: "compare",
                  label: t("compare"),
                  children: (
                    <Link
                      to="/jobs/$jobName/$tab"
                      params={{ jobName: run.jobName, tab: "runs" }}
                      search={{ compare: `${last.runId},${run.runId}` }}
                    >
                      {t("compare_last", { id: last.runId })}
                    </Link>
                  ),
                },
              ]
            : []),
        ]}
      />
    </section>
  );
}

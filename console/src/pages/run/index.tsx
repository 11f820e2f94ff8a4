import { Link, useParams } from "@tanstack/react-router";
import { Button } from "antd";
import { useEffect, useState } from "react";
import { ApiError } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useAsk } from "@/parts/ask";
import { JobLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing, Page } from "@/parts/page";
import { useRunQuestions } from "@/parts/runs/actions";
import { TriggerDialog } from "@/parts/runs/trigger";
import { hasFailures, isLive, type JobConfiguration, type RunDetail } from "@/parts/runs/types";
import { useWords as useRunsWords } from "@/parts/runs/words";
import { State } from "@/parts/states";
import { Facts } from "./facts";
import { Summary } from "./failure";
import { Gantt } from "./gantt";
import "./run.css";
import { RanWith } from "./settings";
import { Shards } from "./shards";
import { useWords } from "./words";

const DEFAULTS = { shards: "", shard: "" };

export default function RunPage() {
  const { runId } = useParams({ strict: false });
  return <OneRun key={runId} runId={runId ?? ""} />;
}

function OneRun({ runId }: { runId: string }) {
  const t = useWords();
  const [isOver, setIsOver] = useState(false);
  // A run that has ended does not change any more: it is not read again because others do.
  const read = useRead("/api/job/runs/{runId}", {
    path: { runId },
    topics: isOver ? [] : ["runs", "tasks"],
    keepPrevious: false,
  });
  const state = read.data?.run.state;
  useEffect(() => setIsOver(state !== undefined && !isLive({ state })), [state]);
  if (read.error instanceof ApiError && (read.error.status === 404 || read.error.status === 400)) {
    return (
      <Page title={t("no_run", { id: runId })}>
        <Nothing text={t("no_run_hint")}>
          <Link to="/runs">{t("to_runs")}</Link>
        </Nothing>
      </Page>
    );
  }
  if (read.data === undefined) {
    return (
      <Page title={t("title", { id: runId })}>
        <Loaded read={read}>{() => null}</Loaded>
      </Page>
    );
  }
  return <Known detail={read.data} read={read} />;
}

function Known({ detail, read }: { detail: RunDetail; read: Parameters<typeof Loaded>[0]["read"] }) {
  const t = useWords();
  const { run, shards, configuration } = detail;
  const [filters, change] = useFilters(DEFAULTS);
  const job = useRead("/api/job/jobs/{jobName}", {
    path: { jobName: run.jobName },
    topics: ["jobs"],
    keepPrevious: false,
  });
  const isGone = job.error instanceof ApiError && job.error.status === 404;
  const present = isGone ? undefined : job.data;
  return (
    <Page
      title={t("title", { id: run.runId })}
      heading={
        <>
          {t("title", { id: run.runId })}
          <State state={run.state} />
          <span className="run-of">
            {t("of")} <JobLink name={run.jobName} />
          </span>
        </>
      }
      actions={<Actions detail={detail} job={present} />}
    >
      <Loaded read={read}>
        {() => (
          <>
            <Summary run={run} shards={shards} />
            {isGone ? <p className="warn">{t("job_gone", { job: run.jobName })}</p> : null}
            <Facts run={run} shards={shards} />
            <Shards
              run={run}
              shards={shards}
              filters={filters}
              onFilter={change}
              canRerun={present !== undefined}
            />
            <Gantt shards={shards} isLive={isLive(run)} />
            <RanWith settings={configuration} job={present} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Actions({ detail, job }: { detail: RunDetail; job: JobConfiguration | undefined }) {
  const t = useRunsWords();
  const { run, configuration } = detail;
  const questions = useRunQuestions();
  const [ask, dialog] = useAsk();
  const [isTriggering, setIsTriggering] = useState(false);
  if (!useMayAct()) return null;
  return (
    <>
      {isLive(run) ? (
        <Button danger onClick={() => ask(questions.kill(run))}>
          {t("kill_run")}
        </Button>
      ) : null}
      {job && hasFailures(run) ? (
        <Button type="primary" onClick={() => ask(questions.rerunFailed(run))}>
          {t("rerun_failed")}
        </Button>
      ) : null}
      {job && !isLive(run) && run.shards.total > 0 ? (
        <Button onClick={() => ask(questions.rerunAll(run))}>{t("rerun_all")}</Button>
      ) : null}
      {job ? (
        <>
          <Button onClick={() => setIsTriggering(true)}>{t("trigger_again")}</Button>
          <TriggerDialog
            jobName={run.jobName}
            job={job}
            from={configuration ?? job}
            isOpen={isTriggering}
            onClose={() => setIsTriggering(false)}
          />
        </>
      ) : null}
      {dialog}
    </>
  );
}

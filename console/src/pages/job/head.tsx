import { Descriptions } from "antd";
import { ApiError } from "@/api/client";
import { useRead } from "@/api/live";
import { useCronWords } from "@/parts/cron/describe";
import { AppLink, RunLink } from "@/parts/links";
import { EVER, type JobConfiguration } from "@/parts/runs/types";
import { When } from "@/parts/time/time";
import { useWords } from "./words";

const FIRES = 3;

/** What the job is, when it fires next, and when it last went well. */
export function Head({ job }: { job: JobConfiguration }) {
  const t = useWords();
  const isDaemon = job.jobExecutionType === "DAEMON";
  const app = useRead("/api/app/{appName}", { path: { appName: job.appName }, topics: ["apps"] });
  const isAppOff = app.data?.disabled === true;
  return (
    <section className="panel">
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 1, md: 1, lg: 2 }}
        items={[
          {
            key: "app",
            label: t("app"),
            children: (
              <span>
                <AppLink name={job.appName} />
                {isAppOff ? <span className="warn"> · {t("app_disabled")}</span> : null}
              </span>
            ),
          },
          { key: "schedule", label: t("schedule"), children: <Schedule job={job} /> },
          ...(isDaemon
            ? [
                {
                  key: "success",
                  label: t("last_success"),
                  children: <LastExecution jobName={job.jobName} />,
                },
              ]
            : [
                {
                  key: "next",
                  label: t(job.disabled || isAppOff ? "next_if_enabled" : "next"),
                  children: job.cron ? (
                    <NextFires cron={job.cron} timeZone={job.timeZone} />
                  ) : (
                    <span aria-hidden="true">–</span>
                  ),
                },
                { key: "success", label: t("last_success"), children: <LastRun jobName={job.jobName} /> },
              ]),
          ...(job.description
            ? [
                {
                  key: "description",
                  label: t("description"),
                  children: <span className="runs-whole">{job.description}</span>,
                },
              ]
            : []),
        ]}
      />
    </section>
  );
}

function Schedule({ job }: { job: JobConfiguration }) {
  const t = useWords();
  const words = useCronWords()(job.cron);
  if (job.cron === "") return t(job.jobExecutionType === "DAEMON" ? "daemon_schedule" : "no_schedule");
  return (
    <span>
      {words ? <>{words} · </> : null}
      <code className="mono">{job.cron}</code>
      {job.timeZone ? <span className="calm"> · {job.timeZone}</span> : null}
    </span>
  );
}

/** Read again when runs change: a fire that was next has then become one. */
function NextFires({ cron, timeZone }: { cron: string; timeZone: string }) {
  const t = useWords();
  const fires = useRead("/api/job/cron/fires", {
    query: { cron, timeZone, count: FIRES },
    topics: ["runs"],
  });
  if (fires.error instanceof ApiError && fires.data === undefined) return fires.error.message;
  if (fires.data === undefined) return null;
  const [next, ...later] = fires.data.fires;
  if (next === undefined) return t("no_next");
  return (
    <span className="job-fires">
      <strong>
        <When at={next} /> (<When at={next} relative />)
      </strong>
      {later.map((fire) => (
        <When key={fire} at={fire} />
      ))}
    </span>
  );
}

function LastRun({ jobName }: { jobName: string }) {
  const t = useWords();
  const read = useRead("/api/job/runs", {
    query: { jobName, state: "SUCCEEDED", startTime: EVER, limit: 1 },
    topics: ["runs"],
  });
  if (read.data === undefined) return null;
  const run = read.data.rows[0];
  if (run === undefined) return t("never");
  return (
    <span className="job-success">
      <span>
        <When at={run.endTime} /> (<When at={run.endTime} relative />)
      </span>
      <RunLink id={run.runId}>{t("run_number", { id: run.runId })}</RunLink>
    </span>
  );
}

function LastExecution({ jobName }: { jobName: string }) {
  const t = useWords();
  const read = useRead("/api/job/executions", {
    query: { jobName, state: "SUCCEEDED", startTime: EVER, limit: 1 },
    topics: ["tasks", "runs"],
  });
  if (read.data === undefined) return null;
  const last = read.data.rows[0];
  if (last === undefined) return t("never");
  return (
    <span>
      <When at={last.endTime ?? last.startTime} /> (<When at={last.endTime ?? last.startTime} relative />)
    </span>
  );
}

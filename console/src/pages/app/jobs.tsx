import { Link } from "@tanstack/react-router";
import { Table, Tag } from "antd";
import type { Answer } from "@/api/client";
import { useMayAct } from "@/api/session";
import { LinkButton } from "@/parts/link-button";
import { JobLink } from "@/parts/links";
import { Nothing } from "@/parts/page";
import { Enabled } from "@/parts/states";
import { When } from "@/parts/time/time";
import { useWords } from "./words";

type JobRow = Extract<Answer<"/api/job/jobs">, { rows: unknown }>["rows"][number];

/** The first jobs of an app, and the way to all of them. */
export function AppJobs({
  appName,
  total,
  rows,
}: {
  appName: string;
  total: number;
  rows: readonly JobRow[];
}) {
  const t = useWords();
  const mayAct = useMayAct();
  return (
    <section className="panel">
      <h2>{t("jobs")}</h2>
      <Table<JobRow>
        size="small"
        rowKey="jobName"
        dataSource={rows}
        pagination={false}
        scroll={{ x: "max-content" }}
        locale={{
          emptyText: (
            <Nothing text={t("no_jobs")}>
              {mayAct ? (
                <LinkButton to="/jobs/new" search={{ appName }} type="primary">
                  {t("register")}
                </LinkButton>
              ) : null}
            </Nothing>
          ),
        }}
        columns={[
          { title: t("job"), render: (_, job) => <JobLink name={job.jobName} /> },
          { title: t("state"), render: (_, job) => <Enabled isEnabled={!job.disabled} /> },
          {
            title: t("cron"),
            render: (_, job) =>
              job.jobExecutionType === "DAEMON" ? (
                <>
                  <Tag>{t("daemon")}</Tag>
                  <code className="mono">{job.cron}</code>
                </>
              ) : (
                <code className="mono">{job.cron}</code>
              ),
          },
          { title: t("next"), render: (_, job) => <When at={job.nextFire} relative /> },
        ]}
      />
      {total > rows.length ? (
        <p>
          <Link to="/jobs" search={{ appName }}>
            {t("all_jobs", { count: total })}
          </Link>
        </p>
      ) : null}
    </section>
  );
}

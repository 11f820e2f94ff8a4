import { useNavigate, useParams } from "@tanstack/react-router";
import { Tabs, Tag } from "antd";
import { ApiError } from "@/api/client";
import { useRead } from "@/api/live";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Page } from "@/parts/page";
import type { JobConfiguration } from "@/parts/runs/types";
import { Enabled } from "@/parts/states";
import { JobActions } from "./actions";
import { Configuration } from "./configuration";
import { DaemonTab } from "./daemon";
import { DEFAULTS, type JobFilters } from "./filters";
import { Gone } from "./gone";
import { Head } from "./head";
import { History } from "./history";
import "./job.css";
import { RunsTab } from "./runs";
import { useWords } from "./words";

const TABS = ["runs", "configuration", "history"] as const;

export default function JobPage() {
  const { jobName = "" } = useParams({ strict: false });
  return <OneJob key={jobName} jobName={jobName} />;
}

function OneJob({ jobName }: { jobName: string }) {
  const t = useWords();
  const job = useRead("/api/job/jobs/{jobName}", {
    path: { jobName },
    topics: ["jobs"],
    keepPrevious: false,
  });
  // After a deregistration the last answer is still there, beside the error.
  const isGone = job.error instanceof ApiError && job.error.status === 404;
  const present = isGone ? undefined : job.data;
  return (
    <Page
      title={jobName}
      heading={
        <>
          {jobName}
          {present ? <Enabled isEnabled={!present.disabled} /> : null}
          {present?.jobExecutionType === "DAEMON" ? <Tag>{t("daemon")}</Tag> : null}
          {isGone ? <Tag color="warning">{t("unregistered")}</Tag> : null}
        </>
      }
      actions={present ? <JobActions job={present} /> : null}
    >
      {isGone ? (
        <Gone jobName={jobName}>
          <Parts jobName={jobName} job={undefined} />
        </Gone>
      ) : (
        <Loaded read={job}>
          {(data) => (
            <>
              <Head job={data} />
              <Parts jobName={jobName} job={data} />
            </>
          )}
        </Loaded>
      )}
    </Page>
  );
}

function Parts({ jobName, job }: { jobName: string; job: JobConfiguration | undefined }) {
  const t = useWords();
  const navigate = useNavigate();
  const { tab: pathTab } = useParams({ strict: false });
  const [filters, change] = useFilters(DEFAULTS);
  const chosen = TABS.find((tab) => tab === (pathTab ?? filters.tab)) ?? "runs";
  const active = job === undefined && chosen === "configuration" ? "runs" : chosen;

  function go(tab: string): void {
    if (pathTab === undefined) {
      change({ ...DEFAULTS, tab });
    } else {
      void navigate({ to: "/jobs/$jobName/$tab", params: { jobName, tab }, search: {}, replace: true });
    }
  }

  return (
    <Tabs
      activeKey={active}
      onChange={go}
      destroyOnHidden
      aria-label={t("tabs")}
      items={[
        {
          key: "runs",
          label: t(job?.jobExecutionType === "DAEMON" ? "tab_executions" : "tab_runs"),
          children: <Ran jobName={jobName} job={job} filters={filters} onFilter={change} />,
        },
        ...(job
          ? [
              {
                key: "configuration",
                label: t("tab_configuration"),
                children: <Configuration job={job} filters={filters} onFilter={change} />,
              },
            ]
          : []),
        {
          key: "history",
          label: t("tab_history"),
          children: <History jobName={jobName} filters={filters} onFilter={change} />,
        },
      ]}
    />
  );
}

function Ran(props: {
  jobName: string;
  job: JobConfiguration | undefined;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  return props.job?.jobExecutionType === "DAEMON" ? <DaemonTab {...props} /> : <RunsTab {...props} />;
}

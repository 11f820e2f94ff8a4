import { Table } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { JobLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type ReadyJob = Answer<"/api/job/tasks/ready">[number];

const PAGE_ROWS = 50;

/** Jobs whose next run has not started, and why. */
export function ReadyJobs() {
  const t = useWords();
  const read = useRead("/api/job/tasks/ready", { topics: ["tasks", "runs", "agents"] });
  return (
    <Loaded read={read}>
      {(jobs) => (
        <Table<ReadyJob>
          size="small"
          rowKey="jobName"
          dataSource={jobs}
          pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
          locale={{ emptyText: <Nothing text={t("none_ready")} /> }}
          columns={[
            { title: t("job"), render: (_, job) => <JobLink name={job.jobName} /> },
            { title: t("times"), render: (_, job) => job.times },
            { title: t("reason"), render: (_, job) => job.reason || t("reason_soon") },
          ]}
        />
      )}
    </Loaded>
  );
}

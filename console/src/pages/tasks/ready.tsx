import { Table } from "antd";
import { PAGE_ROWS, type RowOf, useReadPage } from "@/api/live";
import { JobLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type ReadyJob = RowOf<"/api/job/tasks/ready">;

const DEFAULTS = { page: "1" };

/** Jobs whose next run has not started, and why. */
export function ReadyJobs() {
  const t = useWords();
  const [{ page }, setFilters] = useFilters(DEFAULTS);
  const read = useReadPage("/api/job/tasks/ready", Number(page), { topics: ["tasks", "runs", "agents"] });
  return (
    <Loaded read={read}>
      {({ rows, total }) => (
        <Table<ReadyJob>
          size="small"
          rowKey="jobName"
          dataSource={rows}
          pagination={{
            current: Number(page),
            total,
            pageSize: PAGE_ROWS,
            hideOnSinglePage: true,
            showSizeChanger: false,
            onChange: (next) => setFilters({ page: String(next) }),
          }}
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

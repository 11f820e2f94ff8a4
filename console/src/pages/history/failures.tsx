import { ReloadOutlined } from "@ant-design/icons";
import { Alert, Button, Table, type TableColumnsType } from "antd";
import type { ReactNode } from "react";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { JobLink, RunLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { useBounds } from "@/parts/range/range";
import { epochOf, When } from "@/parts/time/time";
import type { Change, Filters } from ".";
import { JobFilter, TextFilter } from "./inputs";
import { useWords } from "./words";

type Failure = Answer<"/api/job/failures">["rows"][number];

/** What failed, put together by why. */
export function Failures({ filters, change, bar }: { filters: Filters; change: Change; bar: ReactNode }) {
  const t = useWords();
  const bounds = useBounds(filters);
  const failures = useRead("/api/job/failures", {
    query: {
      ...bounds,
      ...(filters.jobName ? { jobName: filters.jobName } : {}),
      ...(filters.appName ? { appName: filters.appName } : {}),
    },
    topics: ["runs"],
  });
  return (
    <>
      <div className="bar">
        <JobFilter
          name={t("job_filter")}
          value={filters.jobName}
          onChange={(jobName) => change({ jobName })}
        />
        <TextFilter
          name={t("app_filter")}
          value={filters.appName}
          onChange={(appName) => change({ appName })}
        />
        {bar}
        <span className="history-actions">
          <Button icon={<ReloadOutlined aria-hidden />} onClick={() => void failures.refetch()}>
            {t("refresh")}
          </Button>
        </span>
      </div>
      <Loaded read={failures}>
        {(data) => (
          <>
            <p className="calm">
              {t("looked_at", { count: data.lookedAt })}. {t("similar")}
            </p>
            {data.complete ? null : <Alert type="info" className="block" title={t("not_all")} />}
            <Table<Failure>
              size="small"
              rowKey="summary"
              columns={failureColumns(t)}
              dataSource={data.rows}
              pagination={false}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Nothing text={t("no_failures")} /> }}
            />
          </>
        )}
      </Loaded>
    </>
  );
}

function failureColumns(t: ReturnType<typeof useWords>): TableColumnsType<Failure> {
  return [
    {
      title: t("count"),
      dataIndex: "count",
      align: "right",
      sorter: (one, other) => one.count - other.count,
    },
    {
      title: t("summary"),
      key: "summary",
      render: (_, row) => (
        <span className="history-long bad" title={row.lastSummary}>
          {row.summary || "–"}
        </span>
      ),
    },
    { title: t("jobs"), dataIndex: "jobs", align: "right", sorter: (one, other) => one.jobs - other.jobs },
    {
      title: t("last"),
      key: "last",
      sorter: (one, other) => (epochOf(one.lastTime) ?? 0) - (epochOf(other.lastTime) ?? 0),
      render: (_, row) => <When at={row.lastTime} />,
    },
    {
      title: t("last_run"),
      key: "run",
      render: (_, row) => (
        <>
          <JobLink name={row.lastJobName} />
          {row.lastRunId ? (
            <>
              {" · "}
              <RunLink id={row.lastRunId}>{t("run", { id: row.lastRunId })}</RunLink>
            </>
          ) : null}
        </>
      ),
    },
  ];
}

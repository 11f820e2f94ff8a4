import { Space, type TableColumnsType, Tag, Tooltip } from "antd";
import { Action } from "@/parts/action";
import { Cron } from "@/parts/cron/cron";
import { AppLink, JobLink, RunLink } from "@/parts/links";
import { Enabled, State, StateSquare } from "@/parts/states";
import { When } from "@/parts/time/time";
import { type Filters, type JobRow, sortOf } from "./rows";
import { useWords } from "./words";

export function useColumns(filters: Filters, mayAct: boolean): TableColumnsType<JobRow> {
  const t = useWords();
  const sort = sortOf(filters);
  const sorted = (key: string) => ({
    key,
    sorter: true,
    sortOrder: sort === key ? (filters.order === "desc" ? ("descend" as const) : ("ascend" as const)) : null,
    showSorterTooltip: false,
  });
  return [
    {
      ...sorted("jobName"),
      title: t("job"),
      render: (_, row) => (
        <Tooltip title={row.description}>
          <span>
            <JobLink name={row.jobName} />
          </span>
        </Tooltip>
      ),
    },
    { ...sorted("appName"), title: t("app"), render: (_, row) => <AppLink name={row.appName} /> },
    { ...sorted("state"), title: t("state"), render: (_, row) => <JobState row={row} /> },
    { key: "cron", title: t("cron"), render: (_, row) => <Schedule row={row} /> },
    { key: "recent", title: t("last_results"), render: (_, row) => <Recent row={row} /> },
    { ...sorted("lastRun"), title: t("last_run"), render: (_, row) => <LastRun row={row} /> },
    {
      ...sorted("nextFire"),
      title: t("next_fire"),
      render: (_, row) => <When at={row.nextFire} relative />,
    },
    ...(mayAct
      ? [
          {
            key: "actions",
            title: t("actions"),
            render: (_: unknown, row: JobRow) => <RowActions row={row} />,
          },
        ]
      : []),
  ];
}

/** What is most worth knowing: disabled, why it waits, how much of it runs, that it failed last. */
function JobState({ row }: { row: JobRow }) {
  const t = useWords();
  const isFailing = row.recent[0] === "FAILED";
  if (row.disabled) return <Enabled isEnabled={false} />;
  const tags = [
    row.waitingReason !== null ? (
      <Tooltip key="waiting" title={row.waitingReason}>
        <Tag className="state">{t("waiting")}</Tag>
        <div className="jobs-reason calm">{row.waitingReason}</div>
      </Tooltip>
    ) : null,
    row.runningShards > 0 ? (
      <Tag key="running" color="processing" className="state">
        {t("running_shards", { n: row.runningShards })}
      </Tag>
    ) : null,
    isFailing ? (
      <Tooltip key="failing" title={row.lastRun?.summary ?? ""}>
        <Tag color="error" className="state">
          {t("failing")}
        </Tag>
      </Tooltip>
    ) : null,
  ].filter((tag) => tag !== null);
  return tags.length > 0 ? <span>{tags}</span> : <Enabled isEnabled />;
}

function Schedule({ row }: { row: JobRow }) {
  const t = useWords();
  if (row.cron) return <Cron cron={row.cron} zone={row.timeZone} />;
  return <span className="calm">{row.jobExecutionType === "DAEMON" ? t("stays") : t("by_trigger")}</span>;
}

/** The API has the newest first; people read from the left. */
function Recent({ row }: { row: JobRow }) {
  if (row.recent.length === 0) return <span aria-hidden="true">–</span>;
  const oldestFirst = row.recent.map((state, newness) => ({ state, newness })).reverse();
  return (
    <span className="nowrap">
      {oldestFirst.map(({ state, newness }) => {
        const square = <StateSquare key={newness} state={state} />;
        const run = row.lastRun;
        const isLast = newness === 0 && run !== null && run.state === state;
        return isLast ? (
          <RunLink key={newness} id={run.runId}>
            {square}
          </RunLink>
        ) : (
          square
        );
      })}
    </span>
  );
}

function LastRun({ row }: { row: JobRow }) {
  const t = useWords();
  const run = row.lastRun;
  if (run === null) {
    if (row.jobExecutionType === "DAEMON") return <span aria-hidden="true">–</span>;
    return <span className="calm">{t("never")}</span>;
  }
  return (
    <span className="nowrap">
      <Tooltip title={run.summary || run.reason}>
        <span>
          <RunLink id={run.runId}>
            <State state={run.state} />
          </RunLink>
        </span>
      </Tooltip>
      <When at={run.endTime ?? run.startTime ?? run.dueTime} relative />
    </span>
  );
}

function RowActions({ row }: { row: JobRow }) {
  const t = useWords();
  const name = row.jobName;
  const path = { jobName: name };
  return (
    <Space size={4}>
      {row.jobExecutionType === "TRANSIENT" ? (
        <Action
          name={t("trigger")}
          question={t("ask_trigger", { name })}
          command={{ method: "POST", path: "/api/job/trigger", options: { body: { jobName: name } } }}
          done={t("triggered", { name })}
          size="small"
          disabled={row.disabled}
        />
      ) : null}
      {row.disabled ? (
        <Action
          name={t("enable")}
          question={t("ask_enable", { name })}
          command={{ method: "POST", path: "/api/job/{jobName}/enable", options: { path } }}
          done={t("enabled_done", { name })}
          size="small"
        />
      ) : (
        <Action
          name={t("disable")}
          question={t("ask_disable", { name })}
          command={{ method: "POST", path: "/api/job/{jobName}/disable", options: { path } }}
          done={t("disabled_done", { name })}
          size="small"
        />
      )}
    </Space>
  );
}

import { Button, Table, type TableProps } from "antd";
import { useMayAct } from "@/api/session";
import { useAsk } from "../ask";
import { AppLink, JobLink, RunLink } from "../links";
import { Nothing } from "../page";
import { Source, State } from "../states";
import { Lasted } from "../time/time";
import { useRunQuestions } from "./actions";
import { Due, Lateness, OneLine, Reason, ShardCount } from "./cells";
import "./runs.css";
import { hasFailures, isLive, type Run } from "./types";
import { useWords } from "./words";

export interface Picking {
  picked: readonly number[];
  onPick: (ids: number[]) => void;
  most: number;
}

/** A page of runs with what can be done to each. `withJob`: they are of several jobs. */
export function RunsTable({
  rows,
  withJob = false,
  isFetching = false,
  nothing,
  picking,
}: {
  rows: readonly Run[];
  withJob?: boolean;
  isFetching?: boolean;
  nothing: string;
  picking?: Picking;
}) {
  const t = useWords();
  const mayAct = useMayAct();
  const questions = useRunQuestions();
  const [ask, dialog] = useAsk();

  const columns: TableProps<Run>["columns"] = [
    { key: "run", title: t("run"), render: (_, run) => <RunLink id={run.runId} /> },
    ...(withJob
      ? [
          {
            key: "job",
            title: t("job"),
            render: (_: unknown, run: Run) => (
              <>
                <JobLink name={run.jobName} />
                <div className="calm runs-app">
                  <AppLink name={run.appName} />
                </div>
              </>
            ),
          },
        ]
      : []),
    {
      key: "source",
      title: t("source"),
      render: (_, run) => (
        <span className="nowrap">
          <Source source={run.source} />
          {run.rerunOf === null ? null : (
            <>
              {" "}
              {t("rerun_of")} <RunLink id={run.rerunOf} />
            </>
          )}
          {run.triggeredBy ? <div className="calm">{run.triggeredBy}</div> : null}
        </span>
      ),
    },
    { key: "state", title: t("state"), render: (_, run) => <State state={run.state} /> },
    { key: "due", title: t("due"), render: (_, run) => <Due run={run} /> },
    {
      key: "lateness",
      title: t("lateness"),
      render: (_, run) => <Lateness due={run.dueTime} start={run.startTime} />,
    },
    {
      key: "duration",
      title: t("duration"),
      render: (_, run) => <Lasted start={run.startTime} end={run.endTime} />,
    },
    { key: "shards", title: t("shards"), render: (_, run) => <ShardCount run={run} /> },
    {
      key: "summary",
      title: t("summary"),
      render: (_, run) => (run.summary ? <OneLine text={run.summary} bad /> : <Reason run={run} />),
    },
    ...(mayAct
      ? [
          {
            key: "actions",
            title: t("actions"),
            fixed: "right" as const,
            render: (_: unknown, run: Run) =>
              isLive(run) ? (
                <Button size="small" danger onClick={() => ask(questions.kill(run))}>
                  {t("kill")}
                </Button>
              ) : hasFailures(run) ? (
                <Button size="small" onClick={() => ask(questions.rerunFailed(run))}>
                  {t("rerun_failed")}
                </Button>
              ) : null,
          },
        ]
      : []),
  ];

  return (
    <>
      <Table<Run>
        size="small"
        rowKey="runId"
        columns={columns}
        dataSource={rows as Run[]}
        pagination={false}
        scroll={{ x: "max-content" }}
        aria-busy={isFetching}
        locale={{ emptyText: <Nothing text={nothing} /> }}
        {...(picking
          ? {
              rowSelection: {
                hideSelectAll: true,
                columnTitle: <span className="runs-hidden">{t("compare")}</span>,
                selectedRowKeys: picking.picked as number[],
                preserveSelectedRowKeys: true,
                onChange: (keys) => picking.onPick(keys.map(Number).slice(-picking.most)),
                getCheckboxProps: (run) => ({
                  "aria-label": t("select_run", { id: run.runId }),
                  disabled: run.startTime === null,
                }),
              },
            }
          : {})}
      />
      {dialog}
    </>
  );
}

/** Newest and older pages, by cursor. */
export function Pages({
  cursor,
  next,
  onGo,
}: {
  cursor: string;
  next: string | null;
  onGo: (cursor: string) => void;
}) {
  const t = useWords();
  if (cursor === "" && next === null) return null;
  return (
    <nav className="bar runs-pages" aria-label={t("pages")}>
      <Button disabled={cursor === ""} onClick={() => onGo("")}>
        {t("newest")}
      </Button>
      <Button disabled={next === null} onClick={() => onGo(next ?? "")}>
        {t("older")}
      </Button>
    </nav>
  );
}

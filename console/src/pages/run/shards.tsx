import { Button, Select, Table, type TableProps } from "antd";
import { useState } from "react";
import { useMayAct } from "@/api/session";
import { useAsk } from "@/parts/ask";
import { AgentLink, TaskLink } from "@/parts/links";
import { Nothing } from "@/parts/page";
import { useRunQuestions } from "@/parts/runs/actions";
import { OneLine } from "@/parts/runs/cells";
import { type Attempt, isLive, RUN_STATES, type Run, type Shard } from "@/parts/runs/types";
import { State } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import { lastOf } from "./shard";
import { useWords } from "./words";

const ROWS = 50;

export interface ShardFilters {
  /** Only shards of this state; empty: all. */
  shards: string;
  /** Only this one; empty: all. */
  shard: string;
}

/** All shards with how each went; those that are selected can be run again. */
export function Shards({
  run,
  shards,
  filters,
  onFilter,
  canRerun,
}: {
  run: Run;
  shards: readonly Shard[];
  filters: ShardFilters;
  onFilter: (changed: Partial<ShardFilters>) => void;
  canRerun: boolean;
}) {
  const t = useWords();
  const mayAct = useMayAct() && canRerun && !isLive(run);
  const questions = useRunQuestions();
  const [ask, dialog] = useAsk();
  const [selected, setSelected] = useState<readonly number[]>([]);
  const shown = shards.filter(
    ({ item, state }) =>
      (filters.shard === "" || String(item) === filters.shard) &&
      (filters.shards === "" || state === filters.shards),
  );
  if (shards.length === 0) {
    return (
      <section className="panel" aria-labelledby="run-shards">
        <h2 id="run-shards">{t("shards")}</h2>
        <Nothing text={t(run.startTime === null ? "not_started" : "shards_unknown")} />
      </section>
    );
  }

  const columns: TableProps<Shard>["columns"] = [
    { key: "item", title: t("item"), render: (_, { item }) => item, rowScope: "row" },
    { key: "parameter", title: t("parameter"), render: (_, { parameter }) => <OneLine text={parameter} /> },
    { key: "state", title: t("state"), render: (_, { state }) => <State state={state} /> },
    {
      key: "duration",
      title: t("duration"),
      render: (_, shard) => {
        const last = lastOf(shard);
        return <Lasted start={last?.startTime} end={last?.endTime} />;
      },
    },
    {
      key: "what",
      title: t("what"),
      render: (_, shard) => <OneLine text={lastOf(shard)?.summary ?? ""} bad />,
    },
    { key: "exit", title: t("exit"), render: (_, shard) => <Exit attempt={lastOf(shard)} /> },
    {
      key: "attempts",
      title: t("attempts"),
      render: (_, { attempts }) =>
        attempts.length > 1 ? (
          <span className="nowrap warn">
            {attempts.length} ({t("failover")})
          </span>
        ) : (
          attempts.length
        ),
    },
    { key: "started", title: t("started"), render: (_, shard) => <When at={lastOf(shard)?.startTime} /> },
    {
      key: "agent",
      title: t("agent"),
      render: (_, shard) => {
        const agentId = lastOf(shard)?.agentId;
        return agentId ? <AgentLink id={agentId} /> : null;
      },
    },
    {
      key: "log",
      title: t("log"),
      render: (_, shard) => {
        const last = lastOf(shard);
        return last ? <TaskLink id={last.taskId}>{t("log_name", { item: shard.item })}</TaskLink> : null;
      },
    },
  ];

  return (
    <section className="panel" aria-labelledby="run-shards">
      <h2 id="run-shards">{t("shards")}</h2>
      <div className="bar">
        <label htmlFor="run-states" className="calm">
          {t("show")}
        </label>
        <Select
          id="run-states"
          className="run-states"
          value={filters.shards}
          onChange={(state) => onFilter({ shards: state })}
          options={[
            { value: "", label: t("all_states") },
            ...RUN_STATES.map((state) => ({ value: state, label: <State state={state} /> })),
          ]}
        />
        {filters.shard === "" ? null : (
          <>
            <span>{t("only_shard", { item: filters.shard })}</span>
            <Button size="small" onClick={() => onFilter({ shard: "" })}>
              {t("show_all")}
            </Button>
          </>
        )}
        {mayAct && shown.length > 1 ? (
          <Button onClick={() => setSelected(selected.length > 0 ? [] : shown.map(({ item }) => item))}>
            {selected.length > 0 ? t("select_none") : t("select_all", { count: shown.length })}
          </Button>
        ) : null}
        {mayAct && selected.length > 0 ? (
          <Button onClick={() => ask(questions.rerunItems(run, selected))}>
            {questions.rerunItems(run, selected).name}
          </Button>
        ) : null}
      </div>
      <Table<Shard>
        size="small"
        rowKey="item"
        columns={columns}
        dataSource={shown}
        scroll={{ x: "max-content" }}
        pagination={
          shown.length > ROWS ? { defaultPageSize: ROWS, showSizeChanger: false, size: "small" } : false
        }
        expandable={{
          expandedRowRender: (shard) => <Attempts shard={shard} />,
          rowExpandable: ({ attempts }) => attempts.length > 0,
          columnTitle: <span className="runs-hidden">{t("details")}</span>,
        }}
        {...(mayAct
          ? {
              rowSelection: {
                // antd's own box for all is also in a row that is hidden from screen readers, but not from the keyboard.
                hideSelectAll: true,
                columnTitle: <span className="runs-hidden">{t("select")}</span>,
                selectedRowKeys: selected as number[],
                onChange: (keys) => setSelected(keys.map(Number).sort((one, other) => one - other)),
                preserveSelectedRowKeys: true,
                getCheckboxProps: ({ item }) => ({ "aria-label": t("select_shard", { item }) }),
              },
            }
          : {})}
      />
      {dialog}
    </section>
  );
}

function Exit({ attempt }: { attempt: Attempt | undefined }) {
  const t = useWords();
  if (attempt === undefined) return null;
  if (attempt.signal !== null) return <span className="nowrap">{t("signal", { n: attempt.signal })}</span>;
  if (attempt.exitCode !== null)
    return <span className="nowrap">{t("exit_code", { n: attempt.exitCode })}</span>;
  return null;
}

function Attempts({ shard }: { shard: Shard }) {
  const t = useWords();
  const details = shard.attempts.filter(({ detail, summary }) => detail !== "" && detail !== summary);
  return (
    <div className="run-attempts">
      <Table<Attempt>
        size="small"
        rowKey="taskId"
        pagination={false}
        scroll={{ x: "max-content" }}
        dataSource={shard.attempts}
        title={() => t("attempts_of", { item: shard.item })}
        columns={[
          { key: "attempt", title: t("attempt"), render: (_, { attempt }) => attempt, rowScope: "row" },
          {
            key: "state",
            title: t("state"),
            render: (_, { state, success }) => <State state={state} failed={success === false} />,
          },
          { key: "agent", title: t("agent"), render: (_, { agentId }) => <AgentLink id={agentId} /> },
          { key: "staged", title: t("staged"), render: (_, { stagedTime }) => <When at={stagedTime} /> },
          { key: "started", title: t("started"), render: (_, { startTime }) => <When at={startTime} /> },
          { key: "ended", title: t("ended"), render: (_, { endTime }) => <When at={endTime} /> },
          { key: "exit", title: t("exit"), render: (_, attempt) => <Exit attempt={attempt} /> },
          { key: "task", title: t("task"), render: (_, { taskId }) => <TaskLink id={taskId} /> },
        ]}
      />
      {details.map(({ taskId, detail }) => (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <pre key={taskId} className="run-output" tabIndex={0}>
          {detail}
        </pre>
      ))}
    </div>
  );
}

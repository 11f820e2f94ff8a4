import { Button, type TableProps, Tag } from "antd";
import { Action } from "@/parts/action";
import { AppLink, JobLink, RunLink } from "@/parts/links";
import { State } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import type { Alert } from "../common/conditions";
import { useCommonWords } from "../common/words";
import { useFigure } from "./figure";
import { useWords } from "./words";

/** The columns of alerts. Actions are only there for those who may act. */
export function useColumns({
  mayAct,
  onOpen,
  onSilence,
}: {
  mayAct: boolean;
  onOpen: (alert: Alert) => void;
  onSilence: (alert: Alert) => void;
}): NonNullable<TableProps<Alert>["columns"]> {
  const t = useWords();
  const common = useCommonWords();
  const figure = useFigure();
  const actions: NonNullable<TableProps<Alert>["columns"]> = [
    {
      key: "actions",
      fixed: "right",
      title: <span className="off-screen">{t("actions")}</span>,
      render: (_, alert) => (
        <RowActions alert={alert} onSilence={alert.state === "RESOLVED" ? undefined : onSilence} />
      ),
    },
  ];
  return [
    { key: "state", title: common("state"), render: (_, alert) => <StateCell alert={alert} /> },
    {
      key: "condition",
      title: t("what"),
      render: (_, alert) => (
        <>
          <Button type="link" className="alerts-open" onClick={() => onOpen(alert)}>
            {common(alert.condition)}
          </Button>
          <span className="alerts-line calm">{figure(alert)}</span>
          <span className="alerts-line alerts-summary mono" title={alert.summary}>
            {alert.summary.split("\n", 1)[0]}
          </span>
        </>
      ),
    },
    { key: "about", title: t("about"), render: (_, alert) => <About alert={alert} /> },
    {
      key: "since",
      title: t("since"),
      render: (_, { since, resolvedTime }) => (
        <>
          <When at={since} />
          <span className="alerts-line calm">
            {resolvedTime ? t("lasted") : t("for")} <Lasted start={since} end={resolvedTime} />
          </span>
        </>
      ),
    },
    { key: "count", title: t("count"), align: "right", dataIndex: "count" },
    {
      key: "run",
      title: t("run_and_where"),
      render: (_, { runId, shardingItems, where }) => (
        <>
          {runId ? (
            <div>
              <RunLink id={runId} />
            </div>
          ) : null}
          {shardingItems.length > 0 ? (
            <span className="alerts-line calm">
              {t("shards", { items: shardingItems.join(", "), count: shardingItems.length })}
            </span>
          ) : null}
          <span className="alerts-line id">{where}</span>
        </>
      ),
    },
    {
      key: "told",
      title: t("told"),
      render: (_, { channels }) =>
        channels.length > 0 ? (
          channels.map((name) => <Tag key={name}>{name}</Tag>)
        ) : (
          <span className="calm">{t("nobody")}</span>
        ),
    },
    ...(mayAct ? actions : []),
  ];
}

export function About({ alert }: { alert: Alert }) {
  const { jobName, appName, subject } = alert;
  if (!jobName) return <span className="id">{subject}</span>;
  return (
    <>
      <JobLink name={jobName} />
      {appName ? (
        <span className="alerts-line">
          <AppLink name={appName} />
        </span>
      ) : null}
    </>
  );
}

function StateCell({ alert }: { alert: Alert }) {
  const t = useWords();
  const { state, severity, acknowledgedBy, acknowledgedTime, resolution } = alert;
  return (
    <div className="alerts-states">
      <State state={state} />
      <State state={severity} />
      {state === "RESOLVED" && resolution && resolution !== "RECOVERED" ? (
        <span className="alerts-line calm">{t(`because_${resolution}`)}</span>
      ) : null}
      {acknowledgedTime ? (
        <span className="alerts-line calm">
          {acknowledgedBy || t("somebody")}, <When at={acknowledgedTime} relative />
        </span>
      ) : null}
    </div>
  );
}

function RowActions({ alert, onSilence }: { alert: Alert; onSilence: ((alert: Alert) => void) | undefined }) {
  const t = useWords();
  return (
    <div className="alerts-actions">
      {alert.state === "FIRING" ? (
        <Action
          name={t("acknowledge")}
          size="small"
          command={acknowledgement(alert.id)}
          done={t("acknowledged")}
        />
      ) : null}
      {onSilence ? (
        <Button size="small" onClick={() => onSilence(alert)}>
          {t("silence")}
        </Button>
      ) : null}
    </div>
  );
}

export function acknowledgement(id: string) {
  return {
    method: "POST" as const,
    path: "/api/alert/events/{id}/acknowledge",
    options: { path: { id } },
  };
}

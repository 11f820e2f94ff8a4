import { Link } from "@tanstack/react-router";
import { Button, Descriptions, Modal } from "antd";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { Action, CopyCurl } from "@/parts/action";
import { JobLink, RunLink } from "@/parts/links";
import { Loaded } from "@/parts/page";
import { State } from "@/parts/states";
import { Lasted, When } from "@/parts/time/time";
import type { Alert } from "../common/conditions";
import { useCommonWords } from "../common/words";
import { About, acknowledgement } from "./columns";
import { useFigure } from "./figure";
import { useWords } from "./words";

/** One alert in full: `?id=` opens it. */
export function AlertDetail({
  id,
  onClose,
  onSilence,
}: {
  id: string;
  onClose: () => void;
  onSilence: (alert: Alert) => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  const mayAct = useMayAct();
  const read = useRead("/api/alert/events/{id}", {
    path: { id },
    topics: ["alerts"],
    enabled: id !== "",
    keepPrevious: false,
  });
  const alert = id === "" ? undefined : read.data;
  const isOpen = alert !== undefined && alert.state !== "RESOLVED";
  return (
    <Modal
      open={id !== ""}
      title={alert ? common(alert.condition) : t("alert")}
      width={760}
      onCancel={onClose}
      destroyOnHidden
      footer={[
        <CopyCurl
          key="curl"
          command={{ method: "GET", path: "/api/alert/events/{id}", options: { path: { id } } }}
        />,
        alert?.state === "FIRING" ? (
          <Action
            key="ack"
            name={t("acknowledge")}
            type="primary"
            command={acknowledgement(id)}
            done={t("acknowledged")}
          />
        ) : null,
        isOpen && mayAct ? (
          <Button key="silence" onClick={() => onSilence(alert)}>
            {t("silence")}
          </Button>
        ) : null,
        <Button key="close" onClick={onClose}>
          {t("close")}
        </Button>,
      ]}
    >
      <Loaded read={read}>{(data) => <Facts alert={data} />}</Loaded>
    </Modal>
  );
}

function Facts({ alert }: { alert: Alert }) {
  const t = useWords();
  const common = useCommonWords();
  const figure = useFigure()(alert);
  const scope = alert.jobName ? `job:${alert.jobName}` : "global";
  const rows = [
    { key: "state", label: common("state"), children: <State state={alert.state} /> },
    { key: "severity", label: t("severity"), children: <State state={alert.severity} /> },
    { key: "about", label: t("about"), children: <About alert={alert} /> },
    figure ? { key: "figure", label: t("figure"), children: figure } : null,
    { key: "since", label: t("since"), children: <When at={alert.since} /> },
    {
      key: "lasted",
      label: t("length"),
      children: <Lasted start={alert.since} end={alert.resolvedTime} />,
    },
    { key: "fired", label: t("fired"), children: <When at={alert.firedTime} /> },
    { key: "count", label: t("count"), children: alert.count },
    alert.count > 1 ? { key: "last", label: t("last"), children: <When at={alert.lastTime} /> } : null,
    alert.runId ? { key: "run", label: t("run"), children: <RunLink id={alert.runId} /> } : null,
    alert.firstRunId && alert.firstRunId !== alert.runId
      ? { key: "first", label: t("first_run"), children: <RunLink id={alert.firstRunId} /> }
      : null,
    alert.shardingItems.length > 0
      ? { key: "items", label: t("items"), children: alert.shardingItems.join(", ") }
      : null,
    alert.where
      ? { key: "where", label: t("where"), children: <span className="id">{alert.where}</span> }
      : null,
    alert.acknowledgedTime
      ? {
          key: "ack",
          label: t("acknowledged_by"),
          children: (
            <>
              {alert.acknowledgedBy || t("somebody")}, <When at={alert.acknowledgedTime} />
            </>
          ),
        }
      : null,
    alert.resolvedTime
      ? {
          key: "over",
          label: t("over"),
          children: (
            <>
              <When at={alert.resolvedTime} />
              {alert.resolution ? ` · ${t(`because_${alert.resolution}`)}` : ""}
            </>
          ),
        }
      : null,
    {
      key: "told",
      label: t("told"),
      children: alert.messageId ? (
        <Link to="/alerts" search={{ tab: "deliveries", messageId: alert.messageId }}>
          {alert.channels.join(", ") || t("nobody")}
        </Link>
      ) : (
        t("nobody")
      ),
    },
    {
      key: "rule",
      label: t("rule"),
      children: (
        <Link to="/alerts" search={{ tab: "rules", scope }}>
          {alert.jobName ? t("rule_of_job") : t("rule_of_all")}
        </Link>
      ),
    },
    { key: "id", label: t("id"), children: <span className="id">{alert.id}</span> },
  ];
  return (
    <>
      {alert.jobName ? (
        <p>
          <JobLink name={alert.jobName}>{t("to_job")}</JobLink>
        </p>
      ) : null}
      {alert.summary ? <pre className="alerts-text mono panel">{alert.summary}</pre> : null}
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 1, md: 2 }}
        items={rows.filter((row) => row !== null)}
      />
    </>
  );
}

import { Button, Table } from "antd";
import { useState } from "react";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { Action } from "@/parts/action";
import { AppLink, JobLink } from "@/parts/links";
import { Loaded, Nothing } from "@/parts/page";
import { useNow } from "@/parts/time/clock";
import { Lasted, When } from "@/parts/time/time";
import { useCommonWords } from "../common/words";
import { SilenceDialog } from "./dialog";
import { useWords } from "./words";

type Silence = Answer<"/api/alert/silences">[number];

const PAGE_ROWS = 50;

/** What nobody is told of for now, and until when. */
export function Silences() {
  const t = useWords();
  const mayAct = useMayAct();
  const now = useNow();
  const [isAdding, setIsAdding] = useState(false);
  const read = useRead("/api/alert/silences", { topics: ["alerts"] });
  return (
    <>
      <div className="bar">
        <span className="calm">{t("what")}</span>
        {mayAct ? (
          <Button type="primary" className="alerts-push" onClick={() => setIsAdding(true)}>
            {t("new")}
          </Button>
        ) : null}
      </div>
      <Loaded read={read}>
        {(silences) => (
          <SilenceTable silences={silences.filter(({ endTime }) => endTime > now)} mayAct={mayAct} />
        )}
      </Loaded>
      {isAdding ? (
        <SilenceDialog of={{ jobName: "", appName: "", condition: "" }} onClose={() => setIsAdding(false)} />
      ) : null}
    </>
  );
}

function SilenceTable({ silences, mayAct }: { silences: readonly Silence[]; mayAct: boolean }) {
  const t = useWords();
  const common = useCommonWords();
  const now = useNow();
  const subject = useSubject();
  return (
    <Table<Silence>
      size="small"
      rowKey="id"
      dataSource={silences}
      scroll={{ x: "max-content" }}
      pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
      locale={{ emptyText: <Nothing text={t("none")} /> }}
      columns={[
        {
          key: "job",
          title: common("job"),
          render: (_, { jobName }) =>
            jobName ? <JobLink name={jobName} /> : <Any text={common("any_job")} />,
        },
        {
          key: "app",
          title: common("app"),
          render: (_, { appName }) =>
            appName ? <AppLink name={appName} /> : <Any text={common("any_app")} />,
        },
        {
          key: "condition",
          title: common("condition"),
          render: (_, { condition }) =>
            condition ? common(condition) : <Any text={common("any_condition")} />,
        },
        { key: "from", title: t("from"), render: (_, { startTime }) => <When at={startTime} /> },
        { key: "until", title: t("until"), render: (_, { endTime }) => <When at={endTime} /> },
        {
          key: "left",
          title: t("left"),
          render: (_, { startTime, endTime }) =>
            startTime > now ? (
              <span className="calm">
                {t("begins")} <When at={startTime} relative />
              </span>
            ) : (
              <Lasted start={now} end={endTime} />
            ),
        },
        {
          key: "comment",
          title: t("comment"),
          render: (_, { comment }) => <span className="alerts-text">{comment}</span>,
        },
        { key: "by", title: t("by"), dataIndex: "createdBy" },
        ...(mayAct
          ? [
              {
                key: "actions",
                title: <span className="off-screen">{t("actions")}</span>,
                render: (_: unknown, silence: Silence) => (
                  <Action
                    name={t("end")}
                    size="small"
                    question={t("end_question", { subject: subject(silence) })}
                    command={{
                      method: "DELETE",
                      path: "/api/alert/silences/{id}",
                      options: { path: { id: silence.id } },
                    }}
                    done={t("ended")}
                  />
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

function Any({ text }: { text: string }) {
  return <span className="calm">{text}</span>;
}

function useSubject(): (silence: Silence) => string {
  const t = useWords();
  const common = useCommonWords();
  return ({ jobName, appName, condition }) =>
    [jobName, appName, condition ? common(condition) : ""].filter(Boolean).join(", ") || t("everything");
}

import { Alert, Button, Modal, Table } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { Action } from "@/parts/action";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing } from "@/parts/page";
import { useCommonWords } from "../common/words";
import { ChannelDialog } from "./form";
import type { Channel } from "./types";
import { useWords } from "./words";

/** `edit`: the channel whose form is open, `+` for that of a new one. */
const DEFAULTS = { edit: "" };
const NEW = "+";
const PAGE_ROWS = 50;

interface Outcome {
  name: string;
  delivered: boolean;
  error: string;
}

/** Where messages go. */
export function Channels() {
  const t = useWords();
  const mayAct = useMayAct();
  const [{ edit }, change] = useFilters(DEFAULTS);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const read = useRead("/api/alert/channels", { topics: ["alerts"] });
  const edited = read.data?.find(({ name }) => name === edit);
  return (
    <>
      <div className="bar">
        <span className="calm">{t("what")}</span>
        {mayAct ? (
          <Button type="primary" className="alerts-push" onClick={() => change({ edit: NEW })}>
            {t("new")}
          </Button>
        ) : null}
      </div>
      <Loaded read={read}>
        {(channels) => (
          <ChannelTable
            channels={channels}
            mayAct={mayAct}
            onEdit={(name) => change({ edit: name })}
            onTried={setOutcome}
          />
        )}
      </Loaded>
      {mayAct && (edit === NEW || edited) ? (
        <ChannelDialog key={edit} channel={edited} onClose={() => change({ edit: "" })} />
      ) : null}
      <Modal
        open={outcome !== null}
        title={t("test")}
        onCancel={() => setOutcome(null)}
        destroyOnHidden
        footer={
          <Button type="primary" onClick={() => setOutcome(null)}>
            {t("close")}
          </Button>
        }
      >
        {outcome ? (
          <Alert
            type={outcome.delivered ? "success" : "error"}
            showIcon
            title={t(outcome.delivered ? "arrived" : "not_arrived", { name: outcome.name })}
            description={outcome.error ? <span className="alerts-text">{outcome.error}</span> : undefined}
          />
        ) : null}
      </Modal>
    </>
  );
}

function ChannelTable({
  channels,
  mayAct,
  onEdit,
  onTried,
}: {
  channels: readonly Channel[];
  mayAct: boolean;
  onEdit: (name: string) => void;
  onTried: (outcome: Outcome) => void;
}) {
  const t = useWords();
  const common = useCommonWords();
  return (
    <Table<Channel>
      size="small"
      rowKey="name"
      dataSource={channels}
      scroll={{ x: "max-content" }}
      pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
      locale={{
        emptyText: (
          <Nothing text={t("none")}>
            {mayAct ? (
              <Button type="primary" onClick={() => onEdit(NEW)}>
                {t("new")}
              </Button>
            ) : null}
          </Nothing>
        ),
      }}
      columns={[
        { key: "name", title: t("name"), dataIndex: "name" },
        { key: "type", title: t("type"), render: (_, { type }) => t(`type_${type}`) },
        {
          key: "to",
          title: t("goes_to"),
          render: (_, channel) => (
            <span className="id">
              {channel.type === "mail"
                ? t("mail_to", { to: (channel.to ?? []).join(", "), host: channel.host ?? "" })
                : channel.url}
            </span>
          ),
        },
        { key: "other", title: t("other"), render: (_, channel) => <Others channel={channel} /> },
        ...(mayAct
          ? [
              {
                key: "actions",
                title: <span className="off-screen">{t("actions")}</span>,
                render: (_: unknown, { name }: Channel) => (
                  <div className="alerts-actions">
                    <Action
                      name={t("test")}
                      size="small"
                      command={{
                        method: "POST",
                        path: "/api/alert/channels/{name}/test",
                        options: { path: { name } },
                      }}
                      onDone={(answer) => onTried({ name, ...(answer as Omit<Outcome, "name">) })}
                    />
                    <Button size="small" onClick={() => onEdit(name)}>
                      {common("edit")}
                    </Button>
                    <Action
                      name={common("delete")}
                      size="small"
                      danger
                      question={t("delete_question", { name })}
                      command={{
                        method: "DELETE",
                        path: "/api/alert/channels/{name}",
                        options: { path: { name } },
                      }}
                      done={t("deleted", { name })}
                    />
                  </div>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

/** What else is set, without what is secret. */
function Others({ channel }: { channel: Channel }) {
  const t = useWords();
  const said = [
    channel.secret ? t("has_secret") : "",
    channel.headers ? t("has_headers", { names: Object.keys(channel.headers).join(", ") }) : "",
    channel.keyword ? t("has_keyword", { keyword: channel.keyword }) : "",
    channel.mentions?.length ? t("has_mentions", { names: channel.mentions.join(", ") }) : "",
  ];
  return <span className="calm">{said.filter(Boolean).join(" · ")}</span>;
}

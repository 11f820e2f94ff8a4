import { CheckCircleOutlined, CloseCircleOutlined, SyncOutlined } from "@ant-design/icons";
import { Link } from "@tanstack/react-router";
import { Table, Tag } from "antd";
import type { ReactNode } from "react";
import type { Answer } from "@/api/client";
import { Nothing } from "@/parts/page";
import { When } from "@/parts/time/time";
import { useCommonWords } from "../common/words";
import { useWords } from "./words";

type Delivery = Answer<"/api/alert/deliveries">["rows"][number];

export function DeliveryTable({ rows, isNarrowed }: { rows: readonly Delivery[]; isNarrowed: boolean }) {
  const t = useWords();
  const common = useCommonWords();
  return (
    <Table<Delivery>
      size="small"
      rowKey="id"
      dataSource={rows}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: <Nothing text={isNarrowed ? t("none_match") : t("none")} /> }}
      columns={[
        {
          key: "state",
          title: common("state"),
          render: (_, { state }) => <DeliveryState state={state} />,
        },
        { key: "channel", title: common("channel"), dataIndex: "channel" },
        {
          key: "kind",
          title: t("message"),
          render: (_, { kind, total, messageId }) => (
            <>
              {t(`kind_${kind}`)} {t("of_alerts", { count: total })}
              <Link
                to="/alerts"
                search={{ tab: "deliveries", messageId }}
                className="alerts-line id"
                title={t("of_message")}
              >
                {messageId}
              </Link>
            </>
          ),
        },
        { key: "created", title: t("written"), render: (_, { createdTime }) => <When at={createdTime} /> },
        { key: "attempts", title: t("attempts"), align: "right", dataIndex: "attempts" },
        {
          key: "next",
          title: t("next_or_end"),
          render: (_, delivery) => <Outcome delivery={delivery} />,
        },
      ]}
    />
  );
}

function Outcome({ delivery }: { delivery: Delivery }) {
  const t = useWords();
  const { state, nextTryTime, endedTime, lastError } = delivery;
  return (
    <>
      {state !== "PENDING" ? (
        <When at={endedTime} />
      ) : nextTryTime ? (
        <>
          {t("next_try")} <When at={nextTryTime} relative />
        </>
      ) : (
        t("in_line")
      )}
      {lastError ? <span className="alerts-line alerts-error">{lastError}</span> : null}
    </>
  );
}

const LOOKS: Record<Delivery["state"], [string, ReactNode]> = {
  PENDING: ["processing", <SyncOutlined key="i" aria-hidden />],
  DELIVERED: ["success", <CheckCircleOutlined key="i" aria-hidden />],
  FAILED: ["error", <CloseCircleOutlined key="i" aria-hidden />],
};

function DeliveryState({ state }: { state: Delivery["state"] }) {
  const t = useWords();
  const [colour, icon] = LOOKS[state];
  return (
    <Tag color={colour} icon={icon} className="state" data-state={state}>
      {t(state)}
    </Tag>
  );
}

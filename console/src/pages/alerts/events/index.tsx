import { Button, Checkbox, Table } from "antd";
import { type Key, useMemo, useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing } from "@/parts/page";
import type { Alert } from "../common/conditions";
import { Pages } from "../common/pages";
import { SilenceDialog, type SilenceOf } from "../silences/dialog";
import { AcknowledgeMany } from "./acknowledge";
import { useColumns } from "./columns";
import { AlertDetail } from "./detail";
import { EventFilterBar } from "./filters";
import { SentNowhere } from "./nowhere";
import { EVENT_DEFAULTS, eventQuery } from "./query";
import { useWords } from "./words";

/** What is wrong, and what was. */
export function Events() {
  const t = useWords();
  const mayAct = useMayAct();
  const [filters, change] = useFilters(EVENT_DEFAULTS);
  const [selected, setSelected] = useState<readonly Key[]>([]);
  const [acknowledged, setAcknowledged] = useState<readonly Alert[] | null>(null);
  const [silenced, setSilenced] = useState<SilenceOf | null>(null);
  const { id, ...others } = filters;
  // The beginning of the time stays while the filters do: it is part of what the page is cached by.
  const asked = JSON.stringify(others);
  const query = useMemo(
    () => eventQuery({ ...(JSON.parse(asked) as typeof others), id: "" }, Date.now()),
    [asked],
  );
  const read = useRead("/api/alert/events", { query, topics: ["alerts"] });
  const open = (next: string): void => change({ id: next, cursor: filters.cursor });
  const silence = (alert: Alert): void =>
    setSilenced({ jobName: alert.jobName, appName: "", condition: alert.condition });
  const columns = useColumns({ mayAct, onOpen: (alert) => open(alert.id), onSilence: silence });
  return (
    <>
      <SentNowhere />
      <EventFilterBar filters={filters} onChange={change} />
      <Loaded read={read}>
        {({ rows, next }) => {
          const firing = rows.filter((row) => row.state === "FIRING");
          const chosen = firing.filter((row) => selected.includes(row.id));
          return (
            <>
              {mayAct && firing.length > 0 ? (
                <div className="bar">
                  <Checkbox
                    checked={chosen.length === firing.length}
                    indeterminate={chosen.length > 0 && chosen.length < firing.length}
                    onChange={({ target }) => setSelected(target.checked ? firing.map((row) => row.id) : [])}
                  >
                    {t("select_all", { count: firing.length })}
                  </Checkbox>
                  <Button size="small" disabled={chosen.length === 0} onClick={() => setAcknowledged(chosen)}>
                    {chosen.length === 0
                      ? t("acknowledge_selected")
                      : t("acknowledge_many", { count: chosen.length })}
                  </Button>
                </div>
              ) : null}
              <Table<Alert>
                size="small"
                rowKey="id"
                dataSource={rows}
                pagination={false}
                scroll={{ x: "max-content" }}
                columns={columns}
                {...(mayAct
                  ? {
                      rowSelection: {
                        selectedRowKeys: [...selected],
                        onChange: setSelected,
                        // A box in the heading would be there twice: antd measures with a hidden copy of it.
                        columnTitle: <span className="off-screen">{t("selected")}</span>,
                        getCheckboxProps: (row: Alert) => ({
                          disabled: row.state !== "FIRING",
                          "aria-label": t("select", { subject: row.subject || row.condition }),
                        }),
                      },
                    }
                  : {})}
                locale={{ emptyText: <NoAlerts state={filters.state} isNarrowed={isNarrowed(others)} /> }}
              />
              <Pages cursor={filters.cursor} next={next} onGo={(cursor) => change({ cursor })} />
            </>
          );
        }}
      </Loaded>
      <AlertDetail id={id} onClose={() => open("")} onSilence={silence} />
      {acknowledged ? (
        <AcknowledgeMany
          alerts={acknowledged}
          onClose={() => setAcknowledged(null)}
          onDone={() => {
            setAcknowledged(null);
            setSelected([]);
          }}
        />
      ) : null}
      {silenced ? <SilenceDialog of={silenced} onClose={() => setSilenced(null)} /> : null}
    </>
  );
}

function isNarrowed(filters: Partial<typeof EVENT_DEFAULTS>): boolean {
  return Object.entries(filters).some(
    ([name, value]) => name !== "state" && value !== EVENT_DEFAULTS[name as keyof typeof EVENT_DEFAULTS],
  );
}

function NoAlerts({ state, isNarrowed }: { state: string; isNarrowed: boolean }) {
  const t = useWords();
  if (isNarrowed) return <Nothing text={t("none_match")} />;
  return <Nothing text={state === "OPEN" ? t("all_well") : t("never")} />;
}

import { App, Button, Modal, Progress, Space } from "antd";
import { useState } from "react";
import { type Answer, post } from "@/api/client";
import { CopyCurl } from "@/parts/action";
import { type Outcome, Outcomes } from "./outcomes";
import type { Matching } from "./rows";
import { useWords } from "./words";
import { useWork } from "./work";

export const BULK_ACTIONS = ["trigger", "enable", "disable", "deregister"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

/** What is selected: some jobs by name, or all that match, of which there are `total`. */
export type Selection = { names: readonly string[] } | { matching: Matching; total: number };

type BulkAnswer = Answer<"/api/job/bulk", "post">;
type Filter = { search?: string; appName?: string; state?: string };

/** One call's worth: progress is seen, and the work can be stopped. */
const NAMES_AT_ONCE = 200;
const NAMES_SHOWN = 10;

function filtersOf(matching: Matching): Filter[] {
  if (Object.keys(matching).length > 0) return [matching];
  // The API asks for a filter: every job is one or the other.
  return [{ state: "ENABLED" }, { state: "DISABLED" }];
}

async function namesOf(action: BulkAction, selection: Selection): Promise<string[]> {
  if ("names" in selection) return [...selection.names];
  const names = new Set<string>();
  for (const filter of filtersOf(selection.matching)) {
    const body = { action, filter, dryRun: true };
    const planned: BulkAnswer = await post("/api/job/bulk", { body });
    for (const { jobName } of planned.results) names.add(jobName);
  }
  return [...names].sort();
}

/** Buttons that do one thing to all that is selected: they ask, show how far it is, and what became of each job. */
export function Bulk({ selection, onDone }: { selection: Selection; onDone: () => void }) {
  const t = useWords();
  const { message } = App.useApp();
  const [plan, setPlan] = useState<{ action: BulkAction; names: string[] } | null>(null);
  const [counting, setCounting] = useState<BulkAction | null>(null);

  async function begin(action: BulkAction): Promise<void> {
    setCounting(action);
    try {
      setPlan({ action, names: await namesOf(action, selection) });
    } catch (error) {
      message.error(error instanceof Error ? error.message : String(error), 8);
    } finally {
      setCounting(null);
    }
  }

  return (
    <>
      <Space wrap size={8}>
        {BULK_ACTIONS.map((action) => (
          <Button
            key={action}
            danger={action === "deregister"}
            loading={counting === action}
            disabled={counting !== null}
            onClick={() => void begin(action)}
          >
            {t(action)}
          </Button>
        ))}
      </Space>
      {plan ? (
        <BulkDialog
          {...plan}
          selection={selection}
          onClose={(isDone) => {
            setPlan(null);
            if (isDone) onDone();
          }}
        />
      ) : null}
    </>
  );
}

function BulkDialog({
  action,
  names,
  selection,
  onClose,
}: {
  action: BulkAction;
  names: string[];
  selection: Selection;
  onClose: (isDone: boolean) => void;
}) {
  const t = useWords();
  const work = useWork<Outcome>();
  const count = names.length;
  const isBegun = work.total > 0;
  const isOver = isBegun && !work.isOn;
  const shown = names.slice(0, NAMES_SHOWN);

  function begin(): void {
    work.start(count, async (tell, signal) => {
      for (let from = 0; from < count && !signal.aborted; from += NAMES_AT_ONCE) {
        tell(await carryOut(action, names.slice(from, from + NAMES_AT_ONCE)));
      }
    });
  }

  return (
    <Modal
      open
      width={720}
      title={t(action)}
      maskClosable={!isBegun}
      closable={!work.isOn}
      keyboard={!work.isOn}
      onCancel={() => onClose(isBegun)}
      footer={
        isOver ? (
          <Button type="primary" onClick={() => onClose(true)}>
            {t("close")}
          </Button>
        ) : work.isOn ? (
          <Button onClick={work.stop}>{t("stop")}</Button>
        ) : (
          [
            <CopyCurl key="curl" command={commandOf(action, names, selection)} />,
            <Button key="cancel" onClick={() => onClose(false)}>
              {t("cancel")}
            </Button>,
            <Button
              key="go"
              type="primary"
              danger={action === "deregister"}
              disabled={count === 0}
              onClick={begin}
            >
              {t(`do_${action}`, { count })}
            </Button>,
          ]
        )
      }
    >
      {isBegun ? null : (
        <>
          <p>{t(`bulk_${action}`, { count })}</p>
          <ul aria-label={t("these_jobs")} className="jobs-names">
            {shown.map((name) => (
              <li key={name}>{name}</li>
            ))}
            {count > shown.length ? <li>{t("and_more", { count: count - shown.length })}</li> : null}
          </ul>
        </>
      )}
      {work.isOn ? <HowFar done={work.done} total={work.total} /> : null}
      {isOver ? <Outcomes outcomes={work.results} left={count - work.done} /> : null}
    </Modal>
  );
}

export function HowFar({ done, total }: { done: number; total: number }) {
  const t = useWords();
  return (
    <>
      <Progress
        aria-label={t("progress")}
        percent={total === 0 ? 0 : Math.floor((done / total) * 100)}
        status="normal"
      />
      <p className="calm">{t("progress_of", { done, total })}</p>
    </>
  );
}

function commandOf(action: BulkAction, names: string[], selection: Selection) {
  const filter = "matching" in selection ? selection.matching : {};
  const body = Object.keys(filter).length > 0 ? { action, filter } : { action, names };
  return { method: "POST" as const, path: "/api/job/bulk", options: { body } };
}

async function carryOut(action: BulkAction, names: string[]): Promise<Outcome[]> {
  try {
    const { results }: BulkAnswer = await post("/api/job/bulk", { body: { action, names } });
    return results.map(({ jobName, done, message }) => ({ jobName, done, message: message ?? "" }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return names.map((jobName) => ({ jobName, done: false, message }));
  }
}

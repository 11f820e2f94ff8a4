import { Tag, Tooltip } from "antd";
import type { Answer } from "@/api/client";
import { useAmounts } from "@/parts/amounts";
import { Meter } from "@/parts/meter";
import { useNow } from "@/parts/time/clock";
import { epochOf, When } from "@/parts/time/time";
import { useWords } from "./words";

/** `diskFreeMB` and `diskTotalMB`: of its fullest disk; null: agents of earlier versions do not tell. */
export type Agent = Answer<"/api/operate/agents">[number];

const SILENT_MS = 600_000;

export function CpuRoom({ agent }: { agent: Agent }) {
  const t = useWords();
  const { cpus } = useAmounts();
  return (
    <Meter
      used={agent.cpusUsed}
      total={agent.cpusTotal}
      text={t("of", { used: cpus(agent.cpusUsed), total: cpus(agent.cpusTotal) })}
    />
  );
}

export function MemoryRoom({ agent }: { agent: Agent }) {
  const t = useWords();
  const { mebibytes } = useAmounts();
  return (
    <Meter
      used={agent.memoryMBUsed}
      total={agent.memoryMBTotal}
      text={t("of", { used: mebibytes(agent.memoryMBUsed), total: mebibytes(agent.memoryMBTotal) })}
    />
  );
}

export function DiskRoom({ agent }: { agent: Agent }) {
  const t = useWords();
  const { mebibytes } = useAmounts();
  const { diskFreeMB: free, diskTotalMB: total } = agent;
  if (free === null || !total) return <span aria-hidden="true">–</span>;
  return (
    <Meter
      used={total - free}
      total={total}
      text={t("free_of", { free: mebibytes(free), total: mebibytes(total) })}
    />
  );
}

/** Whether it takes tasks, and why not. */
export function Taking({ agent }: { agent: Agent }) {
  const t = useWords();
  if (agent.draining === "") return <Tag color="success">{t("takes_tasks")}</Tag>;
  return (
    <>
      <Tag color="warning">{t("draining")}</Tag>
      {agent.draining}
    </>
  );
}

export function LastSeen({ agent }: { agent: Agent }) {
  const t = useWords();
  const now = useNow();
  const seen = epochOf(agent.lastSeen);
  const isSilent = agent.taskCount > 0 && seen !== null && now - seen > SILENT_MS;
  return (
    <>
      <When at={agent.lastSeen} relative />{" "}
      {isSilent ? (
        <Tooltip title={t("silent_hint")}>
          <Tag color="warning">{t("silent")}</Tag>
        </Tooltip>
      ) : null}
    </>
  );
}

import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  MinusCircleOutlined,
  StopOutlined,
  SyncOutlined,
} from "@ant-design/icons";
import { Tag } from "antd";
import type { ReactNode } from "react";
import { useWords } from "./words";

type Look = "good" | "bad" | "busy" | "calm" | "warn";

const LOOKS: Record<string, Look> = {
  WAITING: "calm",
  RUNNING: "busy",
  SUCCEEDED: "good",
  FAILED: "bad",
  KILLED: "warn",
  DROPPED: "warn",
  TASK_STAGING: "calm",
  TASK_RUNNING: "busy",
  TASK_FINISHED: "good",
  TASK_FAILED: "bad",
  TASK_ERROR: "bad",
  TASK_LOST: "bad",
  TASK_KILLED: "warn",
  TASK_DROPPED: "warn",
  FIRING: "bad",
  ACKNOWLEDGED: "warn",
  RESOLVED: "good",
  INFO: "calm",
  WARNING: "warn",
  CRITICAL: "bad",
};

const COLOURS: Record<Look, string> = {
  good: "success",
  bad: "error",
  busy: "processing",
  calm: "default",
  warn: "warning",
};

const ICONS: Record<Look, ReactNode> = {
  good: <CheckCircleOutlined aria-hidden />,
  bad: <CloseCircleOutlined aria-hidden />,
  busy: <SyncOutlined aria-hidden />,
  calm: <ClockCircleOutlined aria-hidden />,
  warn: <MinusCircleOutlined aria-hidden />,
};

type Word = Parameters<ReturnType<typeof useWords>>[0];

/**
 * The state of a run, shard, task or alert, or an alert's severity, as a word with an icon and a colour: never by
 * colour alone.
 *
 * `failed` shows a task that finished although its job code failed for what it is.
 */
export function State({ state, failed = false }: { state: string; failed?: boolean }) {
  const t = useWords();
  const look = failed ? "bad" : (LOOKS[state] ?? "calm");
  const word = failed && state === "TASK_FINISHED" ? t("FAILED") : t(state as Word);
  return (
    <Tag color={COLOURS[look]} icon={ICONS[look]} className="state" data-state={state}>
      {word}
    </Tag>
  );
}

export function Enabled({ isEnabled }: { isEnabled: boolean }) {
  const t = useWords();
  return isEnabled ? (
    <Tag color="success">{t("enabled")}</Tag>
  ) : (
    <Tag icon={<StopOutlined aria-hidden />}>{t("disabled")}</Tag>
  );
}

/** Where a run came from: cron, trigger, rerun, misfire. */
export function Source({ source }: { source: string }) {
  return <>{useWords()(source as Word)}</>;
}

const SQUARES: Record<Look, string> = { good: "✓", bad: "✗", busy: "▶", calm: "…", warn: "–" };

/** A small square for a state, for rows of many: it has its word as its name. */
export function StateSquare({ state, title }: { state: string; title?: string }) {
  const t = useWords();
  const look = LOOKS[state] ?? "calm";
  const name = title ?? t(state as Word);
  return (
    <span role="img" aria-label={name} title={name} className={`square square-${look}`}>
      {SQUARES[look]}
    </span>
  );
}

import { useShownLength } from "@/parts/time/time";
import type { Alert } from "../common/conditions";
import { useWords } from "./words";

/** The figure of an alert in words: how late, how slow, how often. Empty for those that have none. */
export function useFigure(): (alert: Alert) => string {
  const t = useWords();
  const shown = useShownLength();
  return ({ condition, value }) => {
    const time = `${value < 0 ? "-" : ""}${shown(Math.abs(value) * 1000)}`;
    switch (condition) {
      case "LATE":
        return t("late_by", { time });
      case "STUCK":
        return t("runs_for", { time });
      case "NO_SUCCESS":
        return t("none_for", { time });
      case "CLOCK_JUMP":
        return t("jumped_by", { time });
      case "DATABASE_SLOW":
        return t("commit_took", { time });
      case "DISK_LOW":
        return t("percent_free", { value });
      case "DROPPED":
        return t("dropped", { count: value });
      case "FLAPPING":
        return t("restarts", { count: value });
      default:
        return "";
    }
  };
}

import { memo } from "react";
import { useLanguage } from "@/app/preferences";
import { shownTime, useZone } from "../time";
import type { Bar } from "./layout";
import { SIGNS, useStateWord } from "./legend";
import { useWords } from "./words";

/** The bars of one job between two places on the screen. */
export const Row = memo(function Row({
  jobName,
  bars,
  from,
  to,
  width,
}: {
  jobName: string;
  bars: readonly Bar[];
  from: number;
  to: number;
  width: number;
}) {
  const title = useTitle();
  return (
    <div className="timeline-track" style={{ width }} aria-hidden="true">
      {bars
        .filter((bar) => bar.right > from && bar.left < to)
        .map((bar) => (
          <div
            key={bar.state === "PLANNED" ? `p${bar.start}` : bar.start}
            className="timeline-bar"
            data-state={bar.state}
            data-job={jobName}
            data-run={bar.runId ?? ""}
            title={title(jobName, bar)}
            style={{ insetInlineStart: bar.left, width: bar.right - bar.left }}
          >
            {bar.count > 1 && bar.right - bar.left >= 14 + 7 * String(bar.count).length
              ? `${SIGNS[bar.state]}${bar.count}`
              : SIGNS[bar.state]}
          </div>
        ))}
    </div>
  );
});

function useTitle(): (jobName: string, bar: Bar) => string {
  const t = useWords();
  const word = useStateWord();
  const zone = useZone();
  const language = useLanguage();
  return (job, bar) => {
    const values = {
      job,
      count: bar.count,
      state: word(bar.state),
      from: shownTime(bar.start, zone, language),
      to: bar.state === "RUNNING" ? "…" : shownTime(bar.end, zone, language),
    };
    if (bar.state === "PLANNED") return t(bar.count > 1 ? "bar_many_planned" : "bar_planned", values);
    return t(bar.count > 1 ? "bar_many" : "bar", values);
  };
}

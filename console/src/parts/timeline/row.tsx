import { memo, type ReactNode } from "react";
import type { Bar } from "./layout";
import { SIGNS } from "./legend";

interface RowProps {
  jobName: string;
  bars: readonly Bar[];
  from: number;
  to: number;
  width: number;
}

/** The bars of one job between two places on the screen. */
export const Row = memo(function Row({ jobName, bars, from, to, width }: RowProps) {
  const shown: ReactNode[] = [];
  bars.forEach((bar, index) => {
    if (bar.right < from || bar.left > to) return;
    const size = bar.right - bar.left;
    const hasRoom = bar.count > 1 && size >= 14 + 7 * String(bar.count).length;
    shown.push(
      <div
        key={bar.state === "PLANNED" ? -bar.start : bar.start}
        className="timeline-bar"
        data-state={bar.state}
        data-bar={index}
        data-run={bar.runId ?? ""}
        style={{ insetInlineStart: bar.left, width: size }}
      >
        {hasRoom ? `${SIGNS[bar.state]}${bar.count}` : SIGNS[bar.state]}
      </div>,
    );
  });
  return (
    <div className="timeline-track" style={{ width }} aria-hidden="true" data-job={jobName}>
      {shown}
    </div>
  );
});

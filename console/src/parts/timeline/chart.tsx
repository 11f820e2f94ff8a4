import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type MouseEvent,
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useLanguage } from "@/app/preferences";
import { JobLink } from "../links";
import { useNow, useSteadyNow } from "../time/clock";
import { epochOf, shownTime, useZone } from "../time/time";
import { zoneOffset } from "../time/zones";
import { useDescription } from "./description";
import { barsOf, type JobSpans, spansByJob, type TimelineAnswer, ticksOf } from "./layout";
import { Row } from "./row";
import { useWords } from "./words";

const ROW_HEIGHT = 26;
const LABEL_WIDTH = 190;
/** Bars are made anew each time that so many pixels were scrolled. */
const SLICE = 400;
const STEADY_MS = 5000;

/** Bars in rows of jobs. Only rows and bars that are seen are in the document. */
export const Chart = memo(function Chart({ data, zoom }: { data: TimelineAnswer; zoom: number }) {
  const t = useWords();
  const zone = useZone();
  const area = useRef<HTMLDivElement>(null);
  const [{ left, seen }, watchScroll] = useScrolled(area);
  const from = epochOf(data.startTime) ?? 0;
  const to = Math.max(from + 1, epochOf(data.endTime) ?? 0);
  const width = Math.max(200, seen - LABEL_WIDTH) * zoom;
  const perPixel = (to - from) / width;
  // What runs grows by whole pixels, and not each second: placing all bars would be for nothing.
  const now = useSteadyNow(Math.max(STEADY_MS, perPixel));
  const jobs = useMemo(() => spansByJob(data), [data]);
  const barsFor = useBars(jobs, from, to, width, now);
  const rows = useVirtualizer({
    count: jobs.length,
    getScrollElement: () => area.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 4,
    useFlushSync: false,
  });
  useNowInView(area, zoom, ((now - from) / perPixel) | 0, width);
  const open = useOpenRun();
  const describe = useDescription(jobs, barsFor);
  const ticks = ticksOf(from, to, width, zoneOffset(from, zone)).filter(
    (tick) => tick.left > left - SLICE && tick.left < left + seen + SLICE,
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section ref={area} className="timeline-area" tabIndex={0} aria-label={t("area")} onScroll={watchScroll}>
      <div className="timeline-all" style={{ width: LABEL_WIDTH + width }}>
        <div className="timeline-axis">
          <div className="timeline-corner" style={{ width: LABEL_WIDTH }}>
            {t("jobs")}
          </div>
          <div className="timeline-ticks" style={{ width }}>
            {ticks.map((tick) => (
              <Tick key={tick.at} at={tick.at} left={tick.left} zone={zone} />
            ))}
          </div>
        </div>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the table does the same by keyboard */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the table does the same by keyboard */}
        {/* biome-ignore lint/a11y/useKeyWithMouseEvents: the table does the same by keyboard */}
        <div
          className="timeline-rows"
          style={{ height: rows.getTotalSize() }}
          onClick={open}
          onMouseOver={describe}
        >
          {rows.getVirtualItems().map((item) => {
            const job = jobs[item.index];
            return job === undefined ? null : (
              <div
                key={job.jobName}
                className="timeline-row"
                style={{ height: ROW_HEIGHT, transform: `translateY(${item.start}px)` }}
              >
                <Label name={job.jobName} />
                <Row
                  jobName={job.jobName}
                  bars={barsFor(job)}
                  from={left - SLICE}
                  to={left + seen + SLICE}
                  width={width}
                />
              </div>
            );
          })}
          <NowLine from={from} to={to} perPixel={perPixel} />
        </div>
      </div>
    </section>
  );
});

const Label = memo(function Label({ name }: { name: string }) {
  return (
    <div className="timeline-label" style={{ width: LABEL_WIDTH }}>
      <JobLink name={name} />
    </div>
  );
});

function NowLine({ from, to, perPixel }: { from: number; to: number; perPixel: number }) {
  const t = useWords();
  const now = useNow();
  if (now < from || now > to) return null;
  const left = LABEL_WIDTH + (now - from) / perPixel;
  return (
    <div className="timeline-now" aria-hidden="true" style={{ insetInlineStart: left }} title={t("now")} />
  );
}

function Tick({ at, left, zone }: { at: number; left: number; zone: string }) {
  const language = useLanguage();
  const shown = shownTime(at, zone, language);
  const clock = shown.slice(11, 16);
  return (
    <span className="timeline-tick" style={{ insetInlineStart: left }} title={shown}>
      {clock === "00:00" ? shown.slice(5, 10) : clock}
    </span>
  );
}

/** Places the bars of a job when it comes into view, once for each answer and width. */
function useBars(jobs: readonly JobSpans[], from: number, to: number, width: number, now: number) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: other jobs, other bars
  const placed = useMemo(() => new Map<JobSpans, ReturnType<typeof barsOf>>(), [jobs, from, to, width, now]);
  return (job: JobSpans) => {
    let bars = placed.get(job);
    if (bars === undefined) {
      bars = barsOf(job, from, to, width, now);
      placed.set(job, bars);
    }
    return bars;
  };
}

/** How far the area was scrolled to the side, in steps, and how much of it is seen. */
function useScrolled(area: React.RefObject<HTMLDivElement | null>) {
  const [place, setPlace] = useState({ left: 0, seen: 900 });
  const measure = useCallback(() => {
    const element = area.current;
    if (element === null) return;
    const left = Math.floor(element.scrollLeft / SLICE) * SLICE;
    const seen = element.clientWidth;
    setPlace((before) => (before.left === left && before.seen === seen ? before : { left, seen }));
  }, [area]);
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (area.current) observer.observe(area.current);
    return () => observer.disconnect();
  }, [area, measure]);
  return [place, measure] as const;
}

/** After a change of zoom the present is in the middle. */
function useNowInView(
  area: React.RefObject<HTMLDivElement | null>,
  zoom: number,
  nowLeft: number,
  width: number,
): void {
  const wanted = useRef(nowLeft);
  wanted.current = nowLeft;
  // biome-ignore lint/correctness/useExhaustiveDependencies: when it was zoomed, not when time has passed
  useEffect(() => {
    const element = area.current;
    if (element !== null && zoom > 1) {
      element.scrollLeft = wanted.current - (element.clientWidth - LABEL_WIDTH) / 2;
    }
  }, [area, zoom, width > 0]);
}

/** One listener for all bars. */
function useOpenRun() {
  const navigate = useNavigate();
  return (event: MouseEvent<HTMLElement>) => {
    const bar = (event.target as HTMLElement).closest<HTMLElement>(".timeline-bar");
    const run = bar?.dataset.run;
    const job = bar?.parentElement?.dataset.job;
    if (run) void navigate({ to: "/runs/$runId", params: { runId: run } });
    else if (job) void navigate({ to: "/jobs/$jobName/$tab", params: { jobName: job, tab: "runs" } });
  };
}

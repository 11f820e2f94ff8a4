import { ReloadOutlined, ZoomInOutlined, ZoomOutOutlined } from "@ant-design/icons";
import { Button, Select, Skeleton, Switch } from "antd";
import { lazy, Suspense, useState } from "react";
import { type ReadOptions, useRead } from "@/api/live";
import { useAmounts } from "../amounts";
import { useFilters } from "../lists/filters";
import { Loaded, Nothing } from "../page";
import { useSteadyNow } from "../time/clock";
import { Chart } from "./chart";
import { Legend } from "./legend";
import "./timeline.css";
import { useWords } from "./words";

/** Most people look at the bars: they do not wait for the code of tables. */
const TimelineTable = lazy(() => import("./table"));

const HOUR = 3_600_000;
/** Hours back, and hours ahead. */
const SPANS: Record<string, number> = { "1": 1, "6": 2, "24": 6, "168": 24 };
const DEFAULTS = { span: "1", timeline: "" };
const MOST_ZOOM = 32;
/** So many rows are read again and again; more only when asked. */
const LIVE_ROWS = 1000;
const MOST_ROWS = 10_000;

/** What ran and what is planned, job by job; of one job or app if given. */
export default function Timeline({ jobName, appName }: { jobName?: string; appName?: string }) {
  const t = useWords();
  const [{ span, timeline }, change] = useFilters(DEFAULTS);
  const { number } = useAmounts();
  const [zoom, setZoom] = useState(1);
  const [limit, setLimit] = useState(LIVE_ROWS);
  const isLive = limit === LIVE_ROWS;
  const isTable = timeline === "table";
  const answer = useRead("/api/job/timeline", {
    query: { ...useTimes(span), limit, ...(jobName ? { jobName } : {}), ...(appName ? { appName } : {}) },
    topics: isLive ? ["runs", "jobs", "apps"] : [],
  });
  return (
    <>
      <div className="bar">
        <Select
          aria-label={t("span")}
          className="timeline-span"
          value={span in SPANS ? span : DEFAULTS.span}
          onChange={(value) => change({ span: value })}
          options={Object.keys(SPANS).map((value) => ({ value, label: t(`span_${value}` as "span_1") }))}
        />
        {isTable ? null : (
          <fieldset className="timeline-zoom" aria-label={t("zoom")}>
            <Button
              icon={<ZoomOutOutlined aria-hidden />}
              aria-label={t("zoom_out")}
              disabled={zoom <= 1}
              onClick={() => setZoom(zoom / 2)}
            />
            <Button
              icon={<ZoomInOutlined aria-hidden />}
              aria-label={t("zoom_in")}
              disabled={zoom >= MOST_ZOOM}
              onClick={() => setZoom(zoom * 2)}
            />
          </fieldset>
        )}
        <span className="timeline-switch">
          <Switch
            size="small"
            checked={isTable}
            aria-label={t("as_table")}
            onChange={(checked) => change({ timeline: checked ? "table" : "" })}
          />
          <span aria-hidden="true">{t("as_table")}</span>
        </span>
        {isLive ? null : (
          <>
            <Button icon={<ReloadOutlined aria-hidden />} onClick={() => void answer.refetch()}>
              {t("refresh")}
            </Button>
            <span className="calm">{t("frozen")}</span>
          </>
        )}
        {isTable ? null : <Legend />}
      </div>
      <Loaded read={answer}>
        {(data) => (
          <>
            {data.runs.complete && data.planned.complete ? null : (
              <p className="calm timeline-partial">
                {t("not_all", { count: number(limit) })}{" "}
                {isLive ? (
                  <Button size="small" onClick={() => setLimit(MOST_ROWS)}>
                    {t("show_more", { count: number(MOST_ROWS) })}
                  </Button>
                ) : null}
              </p>
            )}
            {data.runs.rows.length + data.planned.rows.length === 0 ? (
              <Nothing text={t("nothing")} />
            ) : isTable ? (
              <Suspense fallback={<Skeleton active={false} title={false} />}>
                <TimelineTable data={data} />
              </Suspense>
            ) : (
              <Chart data={data} zoom={zoom} />
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

type Times = Pick<NonNullable<ReadOptions<"/api/job/timeline">["query"]>, "startTime" | "endTime">;

/** The default is the server's own: an hour around now. Other times move on by a sixtieth of what is shown. */
function useTimes(span: string): Times {
  const step = ((Number(span) || 1) * HOUR) / 60;
  const steady = useSteadyNow(step);
  const ahead = SPANS[span];
  if (ahead === undefined || span === DEFAULTS.span) return {};
  return {
    startTime: new Date(steady - Number(span) * HOUR).toISOString(),
    endTime: new Date(steady + step + ahead * HOUR).toISOString(),
  };
}

import { Alert } from "antd";
import { lazy, Suspense } from "react";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { Loaded, Page } from "@/parts/page";
import { Lateness, Results, Room, Tiles } from "./figures";
import { Failing, NextFires, OpenAlerts, Running, Waiting } from "./lists";
import "./overview.css";
import { Welcome } from "./welcome";
import { useWords } from "./words";

export type Overview = Answer<"/api/overview">;

const Timeline = lazy(() => import("@/parts/timeline"));

export default function OverviewPage() {
  const t = useWords();
  const overview = useRead("/api/overview", {
    topics: ["jobs", "apps", "runs", "tasks", "agents", "alerts"],
  });
  return (
    <Page title={t("title")}>
      <Loaded read={overview}>
        {(data) => (data.jobs === 0 && data.runningRuns === 0 ? <Fresh data={data} /> : <Full data={data} />)}
      </Loaded>
    </Page>
  );
}

function Fresh({ data }: { data: Overview }) {
  return (
    <>
      <Welcome />
      <div className="grid">
        <Room agents={data.agents} />
        <OpenAlerts rows={data.alerts} />
      </div>
    </>
  );
}

function Full({ data }: { data: Overview }) {
  const t = useWords();
  return (
    <>
      {data.disabledApps > 0 ? (
        <Alert
          type="info"
          showIcon
          className="block"
          title={t("disabled_apps", { count: data.disabledApps })}
        />
      ) : null}
      <Tiles data={data} />
      <div className="overview-columns">
        <div>
          <Failing failing={data.failing} />
          <Waiting waiting={data.waiting} now={data.time} />
          <Running total={data.runningRuns} />
          <OpenAlerts rows={data.alerts} />
        </div>
        <div>
          <Results results={data.results} />
          <Lateness lateness={data.lateness} />
          <Room agents={data.agents} />
          <NextFires rows={data.nextFires} />
        </div>
      </div>
      <section className="panel" aria-labelledby="timeline">
        <h2 id="timeline">{t("timeline")}</h2>
        <Suspense fallback={null}>
          <Timeline />
        </Suspense>
      </section>
    </>
  );
}

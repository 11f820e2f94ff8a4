import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Button, Descriptions } from "antd";
import { useState } from "react";
import { ApiError } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import type { AppConfiguration } from "@/pages/app-form/fields";
import { AppForm } from "@/pages/app-form/form";
import { Loaded, Nothing, Page } from "@/parts/page";
import { Enabled } from "@/parts/states";
import { AppActions } from "./actions";
import { AppFolders } from "./folders";
import { AppJobs } from "./jobs";
import { useWords } from "./words";

export default function AppPage() {
  const { appName } = useParams({ strict: false }) as { appName: string };
  return <OneApp key={appName} appName={appName} />;
}

function OneApp({ appName }: { appName: string }) {
  const t = useWords();
  const navigate = useNavigate();
  const mayAct = useMayAct();
  const [isEdited, setIsEdited] = useState(false);
  const read = useRead("/api/app/{appName}", { path: { appName }, topics: ["apps"] });
  const jobs = useRead("/api/job/jobs", {
    query: { appName, page: 1, per_page: 10 },
    topics: ["jobs", "runs"],
  });
  const isGone = read.error instanceof ApiError && read.error.status === 404;
  if (isGone) {
    return (
      <Page title={appName}>
        <Nothing text={t("gone", { name: appName })}>
          <Link to="/apps">{t("to_apps")}</Link>
        </Nothing>
      </Page>
    );
  }
  const page = jobs.data && !Array.isArray(jobs.data) ? jobs.data : undefined;
  return (
    <Page
      title={appName}
      heading={
        <>
          {appName}
          {read.data ? <Enabled isEnabled={!read.data.disabled} /> : null}
        </>
      }
      actions={
        read.data && mayAct ? (
          <>
            <Button onClick={() => setIsEdited(true)}>{t("edit")}</Button>
            <AppActions
              app={read.data}
              jobCount={page?.total ?? 0}
              onRemoved={() => void navigate({ to: "/apps" })}
            />
          </>
        ) : null
      }
    >
      <Loaded read={read}>
        {(app) =>
          isEdited ? (
            <AppForm initial={app} onDone={() => setIsEdited(false)} onCancel={() => setIsEdited(false)} />
          ) : (
            <AppFacts app={app} />
          )
        }
      </Loaded>
      <Loaded read={jobs}>
        {(answer) =>
          Array.isArray(answer) ? null : <AppJobs appName={appName} total={answer.total} rows={answer.rows} />
        }
      </Loaded>
      <AppFolders appName={appName} />
    </Page>
  );
}

function AppFacts({ app }: { app: AppConfiguration }) {
  const t = useWords();
  const sampling = app.eventTraceSamplingCount;
  return (
    <section className="panel">
      <h2>{t("about")}</h2>
      <Descriptions
        size="small"
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: "url", label: t("url"), span: "filled", children: <span className="id">{app.appURL}</span> },
          {
            key: "script",
            label: t("script"),
            span: "filled",
            children: <code className="mono">{app.bootstrapScript}</code>,
          },
          { key: "cpu", label: t("cpu"), children: app.cpuCount },
          { key: "memory", label: t("memory"), children: app.memoryMB },
          { key: "cache", label: t("cache"), children: app.appCacheEnable ? t("yes") : t("no") },
          {
            key: "sampling",
            label: t("sampling"),
            children: sampling > 1 ? t("sampling_nth", { n: sampling }) : t("sampling_all"),
          },
        ]}
      />
    </section>
  );
}

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { JobLink } from "@/parts/links";
import { EVER } from "@/parts/runs/types";
import { useWords } from "./words";

const SIMILAR = 5;

/** A name that is no job's: deregistered, or misspelt. `children` is shown if it has ever run. */
export function Gone({ jobName, children }: { jobName: string; children: ReactNode }) {
  const t = useWords();
  const mayAct = useMayAct();
  const runs = useRead("/api/job/runs", {
    query: { jobName, startTime: EVER, limit: 1 },
    topics: ["runs"],
  });
  const hasRun = (runs.data?.rows.length ?? 0) > 0;
  const similar = useRead("/api/job/jobs", {
    query: { search: stem(jobName), page: 1, per_page: SIMILAR },
    topics: ["jobs"],
    enabled: runs.data !== undefined && !hasRun,
  });
  const rows = similar.data !== undefined && "rows" in similar.data ? similar.data.rows : [];
  if (runs.data === undefined) return null;
  return (
    <>
      <section className="panel" aria-labelledby="job-gone">
        <h2 id="job-gone">{t("gone_title", { name: jobName })}</h2>
        <p>{t(hasRun ? "gone_runs" : "gone_never")}</p>
        {!hasRun && rows.length > 0 ? (
          <p className="bar">
            {t("gone_similar")}
            {rows.map((row) => (
              <JobLink key={row.jobName} name={row.jobName} />
            ))}
          </p>
        ) : null}
        <p className="bar">
          <Link to="/jobs">{t("all_jobs")}</Link>
          {mayAct ? <Link to="/jobs/new">{t("register")}</Link> : null}
        </p>
      </section>
      {hasRun ? children : null}
    </>
  );
}

/** What a misspelt name most likely has in common with the right one: its first word. */
function stem(name: string): string {
  return name.split(/[-_.\d]/, 1)[0]?.slice(0, 4) || name;
}

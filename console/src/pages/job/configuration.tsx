import { App, Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { useMayAct } from "@/api/session";
import { copyText } from "@/parts/copy";
import { SettingsTable } from "@/parts/runs/settings";
import type { JobConfiguration } from "@/parts/runs/types";
import type { JobFilters } from "./filters";
import { useWords } from "./words";

const JobForm = lazy(async () => ({ default: (await import("@/pages/job-form/form")).JobForm }));

/** All settings in words and as JSON, or the form to change them. */
export function Configuration({
  job,
  filters,
  onFilter,
}: {
  job: JobConfiguration;
  filters: JobFilters;
  onFilter: (changed: Partial<JobFilters>) => void;
}) {
  const t = useWords();
  const mayAct = useMayAct();
  if (filters.edit !== "" && mayAct) return <Editing job={job} onDone={() => onFilter({ edit: "" })} />;
  return (
    <>
      <section className="panel" aria-labelledby="job-settings">
        <div className="bar">
          <h2 id="job-settings" className="job-compare-title">
            {t("settings")}
          </h2>
          {mayAct ? <Button onClick={() => onFilter({ edit: "1" })}>{t("edit")}</Button> : null}
        </div>
        <SettingsTable settings={job} />
      </section>
      <Json job={job} />
    </>
  );
}

function Editing({ job, onDone }: { job: JobConfiguration; onDone: () => void }) {
  const t = useWords();
  // What was there when the editing began: an update from the server must not touch what is typed.
  const [initial] = useState(job);
  return (
    <section className="panel" aria-label={t("edit")}>
      <div className="bar">
        <Button onClick={onDone}>{t("stop_editing")}</Button>
      </div>
      <Suspense fallback={null}>
        <JobForm mode="edit" initial={initial} onDone={onDone} />
      </Suspense>
    </section>
  );
}

function Json({ job }: { job: JobConfiguration }) {
  const t = useWords();
  const { message } = App.useApp();
  const text = JSON.stringify(job, null, 2);
  async function copy(): Promise<void> {
    await copyText(text);
    message.success(t("copied"));
  }
  return (
    <section className="panel" aria-labelledby="job-json">
      <div className="bar">
        <h2 id="job-json" className="job-compare-title">
          {t("json")}
        </h2>
        <Button onClick={() => void copy()}>{t("copy_json")}</Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="job-json mono" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}

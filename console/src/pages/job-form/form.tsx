import { Alert, App, Button, Form } from "antd";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { post, put } from "@/api/client";
import { useMayAct } from "@/api/session";
import { CopyCurl } from "@/parts/action";
import { NO_PROBLEMS, type Problems } from "@/parts/problems";
import { useDryRun } from "./dry-run";
import { type Editing, EditingContext } from "./editing";
import { beginningOf, type JobConfiguration, sentFields } from "./fields";
import { Leaving } from "./leaving";
import { problemsOf } from "./problems";
import { Alerts } from "./sections/alerts";
import { Basics } from "./sections/basics";
import { Behaviour } from "./sections/behaviour";
import { Props } from "./sections/props";
import { Resources } from "./sections/resources";
import { Schedule } from "./sections/schedule";
import { Sharding } from "./sections/sharding";
import { What } from "./sections/what";
import { useWords } from "./words";
import "./job-form.css";

export type { JobConfiguration } from "./fields";

export interface JobFormProps {
  /** `new` and `clone` register a job, `edit` changes the one that `initial` is. */
  mode: "new" | "edit" | "clone";
  /** The job to edit or to begin from: as `GET /api/job/jobs/{jobName}` answers an admin. */
  initial?: JobConfiguration;
  /** The app of a new job, if that is known. */
  appName?: string;
  /** The job was saved under this name. */
  onDone: (jobName: string) => void;
}

/** The form of one job. Whoever shows it gives it a `key` if `initial` may become another job. */
export function JobForm({ mode, initial, appName = "", onDone }: JobFormProps) {
  const t = useWords();
  const mayAct = useMayAct();
  const { message } = App.useApp();
  const isEdit = mode === "edit";
  const [beginning, setBeginning] = useState(() => beginningOf(initial, mode, appName));
  const [job, setJob] = useState(beginning);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Problems>(NO_PROBLEMS);
  const [isTried, setIsTried] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const isSaved = useRef(false);
  const body = useMemo(() => sentFields(job, isEdit), [job, isEdit]);
  const dryRun = useDryRun(body, isEdit, mayAct && job.jobName !== "" && job.appName !== "");
  // What the last check says is newer than what saving said.
  const problems = dryRun ?? refused;
  const isUnsaved = JSON.stringify(job) !== JSON.stringify(beginning);

  const editing: Editing = {
    job,
    isEdit,
    set: (changed) => {
      setJob((before) => ({ ...before, ...changed }));
      const names = Object.keys(changed).filter((name) => name !== "props" && name !== "alerts");
      if (names.length > 0) setTouched((before) => new Set([...before, ...names]));
    },
    setProp: (name, value, keep = false) => {
      setJob((before) => {
        const { [name]: _, ...others } = before.props;
        // Where it stands, it stays.
        const props =
          name in before.props ? { ...before.props, [name]: value } : { ...others, [name]: value };
        return { ...before, props: value === "" && !keep ? others : props };
      });
    },
    problemOf: (field) => (isTried || touched.has(field) ? (problems.fields[field] ?? "") : ""),
    touch: (field) => setTouched((before) => (before.has(field) ? before : new Set([...before, field]))),
  };

  async function save(): Promise<void> {
    setIsBusy(true);
    setIsTried(true);
    setRefused(NO_PROBLEMS);
    try {
      await (isEdit ? put("/api/job/update", { body }) : post("/api/job/register", { body }));
      isSaved.current = true;
      message.success(t(isEdit ? "saved" : "registered", { name: job.jobName }));
      setBeginning(job);
      onDone(job.jobName);
    } catch (error) {
      setRefused(problemsOf(error, isEdit));
      focusFirstProblem();
    } finally {
      setIsBusy(false);
    }
  }

  if (!mayAct) return <Alert type="info" showIcon title={t("guests")} />;
  const others = isTried ? [...new Set([...problems.others, ...refused.others])] : [];
  return (
    <EditingContext.Provider value={editing}>
      <Leaving isUnsaved={() => isUnsaved && !isSaved.current} />
      <Form layout="vertical" className="job-form" onFinish={() => void save()} requiredMark={marked}>
        {others.map((text) => (
          <Alert key={text} className="block" type="error" showIcon title={text} />
        ))}
        <Basics />
        <What />
        <Schedule />
        <Sharding />
        <Resources />
        <Behaviour />
        <Alerts />
        <Props />
        <Sent body={body} isEdit={isEdit} />
        <div className="job-form-foot">
          <Button type="primary" htmlType="submit" loading={isBusy} disabled={isEdit && !isUnsaved}>
            {isEdit ? t("save") : t("register")}
          </Button>
          {isUnsaved ? (
            <Button
              onClick={() => {
                setJob(beginning);
                setTouched(new Set());
                setIsTried(false);
                setRefused(NO_PROBLEMS);
              }}
            >
              {t("discard")}
            </Button>
          ) : null}
          {isTried && Object.keys(problems.fields).length > 0 ? (
            <span role="status" className="bad">
              {t("problems", { count: Object.keys(problems.fields).length })}
            </span>
          ) : null}
        </div>
      </Form>
    </EditingContext.Provider>
  );
}

/** What will be sent, and the same for a terminal. */
function Sent({ body, isEdit }: { body: Record<string, unknown>; isEdit: boolean }) {
  const t = useWords();
  const path = isEdit ? "/api/job/update" : "/api/job/register";
  return (
    <details className="panel">
      <summary>
        <h2>{t("json")}</h2>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <pre className="mono job-form-json" tabIndex={0}>
        {JSON.stringify(body, null, 2)}
      </pre>
      <CopyCurl command={{ method: isEdit ? "PUT" : "POST", path, options: { body } }} />
    </details>
  );
}

function focusFirstProblem(): void {
  window.requestAnimationFrame(() => {
    document.querySelector(".job-form [role=alert]")?.scrollIntoView({ block: "center" });
  });
}

/** The star is to be seen, and is no part of a field's name. */
function marked(label: ReactNode, { required }: { required: boolean }): ReactNode {
  if (!required) return label;
  return (
    <>
      {label}
      <span aria-hidden="true" className="bad job-form-star">
        *
      </span>
    </>
  );
}

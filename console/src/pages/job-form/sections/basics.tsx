import { Checkbox, Input, Radio, Select } from "antd";
import { useRead } from "@/api/live";
import { useEditing } from "../editing";
import { Field } from "../field";
import type { JobFields } from "../fields";
import { useWords } from "../words";

export function Basics() {
  const t = useWords();
  const { job, isEdit, set } = useEditing();
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  return (
    <section className="panel">
      <h2>{t("basics")}</h2>
      <Field id="jobName" label={t("job_name")} required hint={isEdit ? t("name_stays") : t("name_hint")}>
        <Input
          id="jobName"
          disabled={isEdit}
          autoFocus={!isEdit}
          value={job.jobName}
          onChange={({ target }) => set({ jobName: target.value })}
        />
      </Field>
      <Field id="appName" label={t("app")} required hint={isEdit ? t("app_stays") : t("app_hint")}>
        <Select
          id="appName"
          showSearch
          disabled={isEdit}
          loading={apps.isLoading}
          notFoundContent={t("no_apps")}
          value={job.appName || null}
          onChange={(appName: string) => set({ appName })}
          options={(apps.data ?? []).map(({ appName }) => ({ value: appName, label: appName }))}
        />
      </Field>
      <Field
        id="jobExecutionType"
        label={t("execution_type")}
        hint={job.jobExecutionType === "DAEMON" ? t("daemon_hint") : t("transient_hint")}
      >
        <Radio.Group
          id="jobExecutionType"
          aria-label={t("execution_type")}
          value={job.jobExecutionType}
          onChange={({ target }) => set({ jobExecutionType: target.value as JobFields["jobExecutionType"] })}
          options={[
            { value: "TRANSIENT", label: t("transient") },
            { value: "DAEMON", label: t("daemon") },
          ]}
        />
      </Field>
      <Field id="description" label={t("description")}>
        <Input.TextArea
          id="description"
          rows={1}
          value={job.description}
          onChange={({ target }) => set({ description: target.value })}
        />
      </Field>
      {isEdit ? null : (
        <Checkbox checked={job.disabled} onChange={({ target }) => set({ disabled: target.checked })}>
          {t("disabled")}
        </Checkbox>
      )}
    </section>
  );
}

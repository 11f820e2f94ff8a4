import { App, Button, Input } from "antd";
import { useState } from "react";
import { post, put } from "@/api/client";
import type { components } from "@/api/schema";
import { useWords } from "./words";

export type JobConfiguration = components["schemas"]["JobConfiguration"];

export interface JobFormProps {
  /** `new` and `clone` register a job, `edit` changes the one that `initial` is. */
  mode: "new" | "edit" | "clone";
  /** The job to edit or to begin from: as `GET /api/job/jobs/{jobName}` answers an admin. */
  initial?: JobConfiguration;
  /** The job was saved under this name. */
  onDone: (jobName: string) => void;
}

/** The form of one job. Whoever shows it gives it a `key` if `initial` may become another job. */
export function JobForm({ mode, initial, onDone }: JobFormProps) {
  const t = useWords();
  const { message } = App.useApp();
  const [text, setText] = useState(JSON.stringify(initial ?? {}, null, 2));
  async function save(): Promise<void> {
    try {
      const body = JSON.parse(text) as JobConfiguration;
      await (mode === "edit" ? put("/api/job/update", { body }) : post("/api/job/register", { body }));
      onDone(body.jobName);
    } catch (error) {
      message.error(error instanceof Error ? error.message : String(error), 8);
    }
  }
  return (
    <>
      <Input.TextArea
        aria-label={t("json")}
        autoSize
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <Button type="primary" onClick={() => void save()}>
        {mode === "edit" ? t("save") : t("register")}
      </Button>
    </>
  );
}

import { App, Button, Form, Input, InputNumber, Modal, Select } from "antd";
import { useState } from "react";
import { post } from "@/api/client";
import { CopyCurl } from "@/parts/action";
import { InstantInput } from "@/parts/time/instant";
import { Field, OtherProblems } from "../common/field";
import { AppPicker, ConditionPicker, JobPicker } from "../common/pickers";
import { useSaving } from "../common/problems";
import { useCommonWords } from "../common/words";
import { useWords } from "./words";

/** What a silence is about; what is empty matches everything. */
export interface SilenceOf {
  jobName: string;
  appName: string;
  condition: string;
}

const LENGTHS = [30, 60, 240, 1440, 10_080] as const;
const FIELDS = new Set(["jobName", "appName", "condition", "minutes", "startTime", "endTime", "comment"]);

/** Holds messages back for some time: for so many minutes, or until a moment. */
export function SilenceDialog({ of, onClose }: { of: SilenceOf; onClose: () => void }) {
  const t = useWords();
  const common = useCommonWords();
  const { message } = App.useApp();
  const [about, setAbout] = useState(of);
  const [length, setLength] = useState("60");
  const [minutes, setMinutes] = useState<number | null>(90);
  const [start, setStart] = useState("");
  const [end, setEnd] = useState("");
  const [comment, setComment] = useState("");
  const { problems, isBusy, save } = useSaving((field) => FIELDS.has(field));

  const values = {
    ...about,
    comment: comment.trim(),
    startTime: start ? Date.parse(start) : "",
    ...(length === "until"
      ? { endTime: end ? Date.parse(end) : "" }
      : { minutes: length === "own" ? (minutes ?? "") : Number(length) }),
  };
  const body = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));

  function add(): void {
    void save(async () => {
      await post("/api/alert/silences", { body });
      message.success(t("added"));
      onClose();
    });
  }

  const isForAll = !about.jobName && !about.appName && !about.condition;
  const endProblem = problems.fields.minutes ?? problems.fields.endTime;
  return (
    <Modal
      open
      title={t("new")}
      onCancel={onClose}
      width={600}
      footer={[
        <CopyCurl key="curl" command={{ method: "POST", path: "/api/alert/silences", options: { body } }} />,
        <Button key="cancel" onClick={onClose}>
          {common("cancel")}
        </Button>,
        <Button key="go" type="primary" loading={isBusy} onClick={add}>
          {t("silence")}
        </Button>,
      ]}
    >
      <p>{isForAll ? t("hint_all") : t("hint")}</p>
      <OtherProblems problems={problems} />
      <Form layout="vertical">
        <div className="alerts-row">
          <Field id="silence-job" label={common("job")} problem={problems.fields.jobName}>
            <JobPicker
              id="silence-job"
              value={about.jobName}
              onChange={(jobName) => setAbout({ ...about, jobName })}
            />
          </Field>
          <Field id="silence-app" label={common("app")} problem={problems.fields.appName}>
            <AppPicker
              id="silence-app"
              value={about.appName}
              onChange={(appName) => setAbout({ ...about, appName })}
            />
          </Field>
          <Field id="silence-condition" label={common("condition")} problem={problems.fields.condition}>
            <ConditionPicker
              id="silence-condition"
              value={about.condition}
              onChange={(condition) => setAbout({ ...about, condition })}
            />
          </Field>
        </div>
        <div className="alerts-row">
          <Field
            id="silence-start"
            label={t("from")}
            hint={t("from_hint")}
            problem={problems.fields.startTime}
          >
            <InstantInput id="silence-start" value={start} onChange={setStart} />
          </Field>
          <Field
            id="silence-length"
            label={t("length")}
            problem={length === "own" || length === "until" ? "" : endProblem}
          >
            <Select
              id="silence-length"
              value={length}
              onChange={setLength}
              options={[
                ...LENGTHS.map((each) => ({ value: String(each), label: t(`for_${each}`) })),
                { value: "own", label: t("own_length") },
                { value: "until", label: t("until_time") },
              ]}
            />
          </Field>
          {length === "own" ? (
            <Field id="silence-minutes" label={t("minutes")} required problem={endProblem}>
              <InputNumber
                controls={false}
                id="silence-minutes"
                className="alerts-wide"
                value={minutes}
                onChange={setMinutes}
              />
            </Field>
          ) : null}
          {length === "until" ? (
            <Field id="silence-end" label={t("until")} required problem={endProblem}>
              <InstantInput id="silence-end" value={end} onChange={setEnd} />
            </Field>
          ) : null}
        </div>
        <Field
          id="silence-comment"
          label={t("comment")}
          hint={t("comment_hint")}
          problem={problems.fields.comment}
        >
          <Input.TextArea
            id="silence-comment"
            rows={2}
            value={comment}
            onChange={({ target }) => setComment(target.value)}
          />
        </Field>
      </Form>
    </Modal>
  );
}

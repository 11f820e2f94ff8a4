import { CopyOutlined } from "@ant-design/icons";
import { App, Button, Table, Tag } from "antd";
import { copyText } from "@/parts/copy";
import { JobLink } from "@/parts/links";
import { useWords } from "./words";

/** What became of one job. */
export interface Outcome {
  jobName: string;
  done: boolean;
  message: string;
}

/** What became of each job: failures first, and all of it can be copied. */
export function Outcomes({ outcomes, left }: { outcomes: readonly Outcome[]; left: number }) {
  const t = useWords();
  const { message } = App.useApp();
  const ordered = [...outcomes].sort((one, other) => Number(one.done) - Number(other.done));
  const failed = outcomes.filter((outcome) => !outcome.done).length;
  const counts = { done: outcomes.length - failed, failed };

  async function copy(): Promise<void> {
    const lines = ordered.map((each) =>
      [each.jobName, each.done ? "done" : "failed", each.message.replaceAll(/\s+/g, " ")].join("\t"),
    );
    await copyText(lines.join("\n"));
    message.success(t("copied"));
  }

  return (
    <section aria-label={t("outcome")}>
      <div className="bar">
        <strong role="status">
          {left > 0 ? t("outcome_left", { ...counts, left }) : t("outcome_summary", counts)}
        </strong>
        <Button icon={<CopyOutlined aria-hidden />} onClick={() => void copy()}>
          {t("copy_outcome")}
        </Button>
      </div>
      <Table<Outcome>
        size="small"
        rowKey="jobName"
        dataSource={ordered}
        pagination={{ pageSize: 20, hideOnSinglePage: true, showSizeChanger: false }}
        columns={[
          { key: "job", title: t("job"), render: (_, each) => <JobLink name={each.jobName} /> },
          {
            key: "outcome",
            title: t("outcome"),
            render: (_, each) => (
              <>
                <Tag color={each.done ? "success" : "error"}>{each.done ? t("done") : t("failed")}</Tag>
                {each.message}
              </>
            ),
          },
        ]}
      />
    </section>
  );
}

import { UploadOutlined } from "@ant-design/icons";
import { Alert, Button, Input, Modal, Table, Tag } from "antd";
import { useRef, useState } from "react";
import { HowFar } from "./bulk";
import { checkedEntry, type Entry, firstLook, importEntry, type Kind, readEntries } from "./import-jobs";
import { type Outcome, Outcomes } from "./outcomes";
import { useWords } from "./words";
import { forEachOf, useWork } from "./work";

const AT_ONCE = 4;
const MOST_MEGABYTES = 20;

/** Import jobs: what is in the file, what each would change, and what became of it. */
export default function Importing({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [isPreview, setIsPreview] = useState(false);
  const [chosen, setChosen] = useState<readonly number[] | null>(null);
  const checking = useWork<Entry>();
  const importing = useWork<Outcome>();

  async function check(content: string): Promise<void> {
    setProblem("");
    let found: unknown[];
    try {
      found = await readEntries(content);
    } catch (error) {
      setProblem(t("unreadable", { why: error instanceof Error ? error.message : String(error) }));
      return;
    }
    if (found.length === 0) {
      setProblem(t("none_found"));
      return;
    }
    const seen = new Set<string>();
    const entries = found.map((entry, index) => firstLook(entry, index + 1, seen));
    setChosen(null);
    setIsPreview(true);
    checking.start(entries.length, (tell, signal) =>
      forEachOf(entries, AT_ONCE, signal, async (entry) => {
        tell([entry.kind === "invalid" ? entry : await checkedEntry(entry, signal)]);
      }),
    );
  }

  const entries = [...checking.results].sort((one, other) => one.place - other.place);
  const wanted = entries.filter(
    ({ kind, place }) => isImported(kind) && (chosen === null || chosen.includes(place)),
  );
  const isChecked = isPreview && !checking.isOn;
  const isBegun = importing.total > 0;
  const isOver = isBegun && !importing.isOn;

  function begin(): void {
    importing.start(wanted.length, (tell, signal) =>
      forEachOf(wanted, AT_ONCE, signal, async (entry) => tell([await importEntry(entry)])),
    );
  }

  function back(): void {
    checking.reset();
    setIsPreview(false);
  }

  function close(): void {
    checking.reset();
    importing.reset();
    onClose();
  }

  const buttons = isOver ? (
    <Button type="primary" onClick={close}>
      {t("close")}
    </Button>
  ) : importing.isOn || checking.isOn ? (
    <Button onClick={importing.isOn ? importing.stop : back}>{t("stop")}</Button>
  ) : isPreview ? (
    <>
      <Button onClick={back}>{t("back")}</Button>
      <Button type="primary" disabled={wanted.length === 0} onClick={begin}>
        {t("do_import", { count: wanted.length })}
      </Button>
    </>
  ) : (
    <>
      <Button onClick={close}>{t("cancel")}</Button>
      <Button type="primary" disabled={text.trim() === ""} onClick={() => void check(text)}>
        {t("check")}
      </Button>
    </>
  );

  return (
    <Modal
      open
      width={860}
      title={t("import_title")}
      onCancel={close}
      maskClosable={!isPreview && text === ""}
      closable={!importing.isOn}
      keyboard={!importing.isOn}
      footer={<div className="jobs-buttons">{buttons}</div>}
    >
      {isPreview ? null : (
        <Source
          text={text}
          onText={setText}
          onFile={(content) => {
            setText(content);
            void check(content);
          }}
          onProblem={setProblem}
        />
      )}
      {problem ? <Alert type="error" showIcon title={problem} /> : null}
      {checking.isOn ? <HowFar done={checking.done} total={checking.total} /> : null}
      {isChecked && !isBegun ? (
        <Preview entries={entries} chosen={wanted.map(({ place }) => place)} onChoose={setChosen} />
      ) : null}
      {importing.isOn ? <HowFar done={importing.done} total={importing.total} /> : null}
      {isOver ? <Outcomes outcomes={importing.results} left={importing.total - importing.done} /> : null}
    </Modal>
  );
}

function isImported(kind: Kind): boolean {
  return kind === "new" || kind === "changed";
}

function Source({
  text,
  onText,
  onFile,
  onProblem,
}: {
  text: string;
  onText: (text: string) => void;
  onFile: (content: string) => void;
  onProblem: (problem: string) => void;
}) {
  const t = useWords();
  const file = useRef<HTMLInputElement>(null);

  async function read(chosen: File | undefined): Promise<void> {
    if (!chosen) return;
    const size = Math.ceil(chosen.size / 1_000_000);
    if (size > MOST_MEGABYTES) onProblem(t("too_large", { size, most: MOST_MEGABYTES }));
    else onFile(await chosen.text());
  }

  return (
    <>
      <p>{t("import_hint")}</p>
      <input
        ref={file}
        type="file"
        accept=".yaml,.yml,.json,.txt"
        hidden // the button stands for it
        onChange={({ target }) => {
          void read(target.files?.[0]);
          target.value = "";
        }}
      />
      <Button icon={<UploadOutlined aria-hidden />} onClick={() => file.current?.click()}>
        {t("choose_file")}
      </Button>
      <Input.TextArea
        aria-label={t("paste")}
        placeholder={t("paste")}
        className="mono jobs-paste"
        rows={12}
        value={text}
        onChange={({ target }) => onText(target.value)}
      />
    </>
  );
}

const COLOURS: Record<Kind, string> = {
  new: "success",
  changed: "processing",
  unchanged: "default",
  invalid: "error",
};

function Preview({
  entries,
  chosen,
  onChoose,
}: {
  entries: readonly Entry[];
  chosen: readonly number[];
  onChoose: (places: number[]) => void;
}) {
  const t = useWords();
  const counts = { new: 0, changed: 0, unchanged: 0, invalid: 0 };
  for (const { kind } of entries) counts[kind] += 1;
  const invalidFirst = [...entries].sort(
    (one, other) => Number(other.kind === "invalid") - Number(one.kind === "invalid"),
  );
  return (
    <>
      <p role="status">
        <strong>{t("preview_summary", counts)}</strong>
      </p>
      <Table<Entry>
        size="small"
        rowKey="place"
        dataSource={invalidFirst}
        pagination={{ pageSize: 20, hideOnSinglePage: true, showSizeChanger: false }}
        rowSelection={{
          preserveSelectedRowKeys: true,
          selectedRowKeys: [...chosen],
          onChange: (keys) => onChoose(keys.map(Number)),
          getCheckboxProps: ({ kind, jobName, place }) => ({
            disabled: !isImported(kind),
            "aria-label": t("select_row", { name: jobName || t("entry", { n: place }) }),
          }),
          getTitleCheckboxProps: () => ({ "aria-label": t("select_page") }),
        }}
        columns={[
          {
            key: "job",
            title: t("job"),
            render: (_, { jobName, place }) => jobName || t("entry", { n: place }),
          },
          {
            key: "kind",
            title: t("kind"),
            render: (_, { kind }) => <Tag color={COLOURS[kind]}>{t(kind)}</Tag>,
          },
          { key: "detail", title: t("detail"), render: (_, entry) => <Detail entry={entry} /> },
        ]}
      />
    </>
  );
}

function Detail({ entry: { problem, changed } }: { entry: Entry }) {
  const t = useWords();
  if (problem) return <span className="bad">{"word" in problem ? t(problem.word) : problem.text}</span>;
  if (changed.length > 0) return <>{t("changed_fields", { fields: changed.join(", ") })}</>;
  return null;
}

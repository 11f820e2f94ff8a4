import {
  CopyOutlined,
  DownloadOutlined,
  VerticalAlignBottomOutlined,
  VerticalAlignTopOutlined,
} from "@ant-design/icons";
import { App, Button, Checkbox, Segmented } from "antd";
import { callUrl } from "@/api/client";
import { copyText } from "@/parts/copy";
import { plainText } from "./ansi";
import { shownBytes } from "./bytes";
import type { LogState, StreamChoice } from "./reader";
import { useWords } from "./words";

const STREAMS: readonly StreamChoice[] = ["both", "stdout", "stderr"];

export function LogToolbar({
  taskId,
  stream,
  onStream,
  state,
  isFollowing,
  onFollow,
  onBeginning,
  doesWrap,
  onWrap,
}: {
  taskId: string;
  stream: StreamChoice;
  onStream: (stream: StreamChoice) => void;
  state: LogState;
  isFollowing: boolean;
  onFollow: () => void;
  onBeginning: () => void;
  doesWrap: boolean;
  onWrap: (doesWrap: boolean) => void;
}) {
  const t = useWords();
  const { message } = App.useApp();

  async function copy(): Promise<void> {
    const rows = state.rows.map((row) => (row.isContinued ? "" : "\n") + plainText(row.text));
    await copyText(rows.join("").replace(/^\n/, ""));
    message.success(t("copied", { count: state.rows.length }));
  }

  return (
    <div className="bar log-bar">
      <Segmented<StreamChoice>
        aria-label={t("stream")}
        value={stream}
        onChange={onStream}
        options={STREAMS.map((value) => ({ value, label: t(value) }))}
      />
      <Button icon={<VerticalAlignTopOutlined aria-hidden />} onClick={onBeginning}>
        {t("beginning")}
      </Button>
      <Button
        icon={<VerticalAlignBottomOutlined aria-hidden />}
        type={isFollowing && !state.isEnded ? "primary" : "default"}
        onClick={onFollow}
      >
        {state.isEnded ? t("end") : isFollowing ? t("following") : t("follow")}
      </Button>
      <Checkbox checked={doesWrap} onChange={(event) => onWrap(event.target.checked)}>
        {t("wrap")}
      </Checkbox>
      <Button icon={<CopyOutlined aria-hidden />} onClick={() => void copy()}>
        {t("copy_shown")}
      </Button>
      <Button
        icon={<DownloadOutlined aria-hidden />}
        href={callUrl("/api/job/tasks/{taskId}/log/download", { path: { taskId }, query: { stream } })}
      >
        {t("download")}
      </Button>
      <span className="calm log-size" role="status">
        {t("size", { bytes: shownBytes(state.size) })} · {state.isEnded ? t("ended") : t("running")}
      </span>
    </div>
  );
}

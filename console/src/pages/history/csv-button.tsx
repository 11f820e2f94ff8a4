import { DownloadOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useAmounts } from "@/parts/amounts";
import { type CsvWish, MOST_ROWS, readCsv, saveFile } from "./csv";
import { useWords } from "./words";

/** Downloads all rows that match, however many pages they are. */
export function CsvButton({ wish, name }: { wish: CsvWish; name: string }) {
  const t = useWords();
  const { number } = useAmounts();
  const { message } = App.useApp();
  const [rows, setRows] = useState<number | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  async function download(): Promise<void> {
    const controller = new AbortController();
    stop.current = controller;
    setRows(0);
    try {
      const result = await readCsv(wish, setRows, controller.signal);
      saveFile(result.file, `${name}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.csv`);
      if (result.isWhole) message.success(t("csv_done", { count: number(result.rows) }));
      else message.warning(t("csv_limit", { count: number(MOST_ROWS) }), 8);
    } catch (error) {
      if (!controller.signal.aborted)
        message.error(error instanceof Error ? error.message : String(error), 8);
    } finally {
      setRows(null);
    }
  }

  if (rows === null) {
    return (
      <Button icon={<DownloadOutlined aria-hidden />} onClick={() => void download()}>
        {t("csv")}
      </Button>
    );
  }
  return (
    <>
      <span role="status" className="calm">
        {t("csv_progress", { count: rows })}
      </span>
      <Button onClick={() => stop.current?.abort()}>{t("csv_stop")}</Button>
    </>
  );
}

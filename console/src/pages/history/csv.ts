import { get } from "@/api/client";
import type { HistoryPage, HistoryPath } from "./rows";

const PAGE_ROWS = 1000;
export const MOST_ROWS = 500_000;

export interface CsvWish {
  path: HistoryPath;
  filters: Record<string, string>;
  columns: readonly string[];
  timeColumn: string;
}

/**
 * Read all rows of the filters, the newest first, into a file. `tell` hears how many there are so far.
 *
 * Each page begins at the time of the last row of the page before, so that rows which come meanwhile shift nothing and
 * the server leaves out no rows to find the place. What was read is handed to the browser at once: it need not fit into memory.
 */
export async function readCsv(
  { path, filters, columns, timeColumn }: CsvWish,
  tell: (rows: number) => void,
  signal: AbortSignal,
): Promise<{ file: Blob; rows: number; isWhole: boolean }> {
  // Excel takes a file without this mark for one of the system's own character set.
  const parts: Blob[] = [new Blob(["\ufeff", columns.join(","), "\r\n"])];
  let rows = 0;
  for await (const page of pages(path, filters, timeColumn, signal)) {
    const room = MOST_ROWS - rows;
    parts.push(new Blob(page.slice(0, room).map((row) => csvLine(columns.map((column) => row[column])))));
    rows += Math.min(page.length, room);
    tell(rows);
    if (page.length > room) return { file: asFile(parts), rows, isWhole: false };
  }
  return { file: asFile(parts), rows, isWhole: true };
}

function asFile(parts: Blob[]): Blob {
  return new Blob(parts, { type: "text/csv;charset=utf-8" });
}

async function* pages(
  path: HistoryPath,
  filters: Record<string, string>,
  timeColumn: string,
  signal: AbortSignal,
): AsyncGenerator<HistoryPage["rows"]> {
  let endTime = filters.endTime || new Date().toISOString();
  let page = 1;
  /** Rows of the moment `endTime` that were given already. */
  let given = new Set<unknown>();
  for (;;) {
    const query = { ...filters, endTime, page, per_page: PAGE_ROWS };
    const answer = (await get(path, { query, signal })) as HistoryPage;
    const fresh = answer.rows.filter((row) => !given.has(row.id));
    if (fresh.length > 0) yield fresh;
    const last = answer.rows.at(-1);
    if (last === undefined || answer.rows.length < PAGE_ROWS) return;
    const time = String(last[timeColumn]);
    if (Date.parse(time) < Date.parse(endTime)) {
      endTime = time;
      page = 1;
      given = new Set(answer.rows.filter((row) => row[timeColumn] === time).map((row) => row.id));
    } else {
      // More rows in one millisecond than a page holds.
      page += 1;
      for (const row of answer.rows) given.add(row.id);
    }
  }
}

/** A line of CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(",")}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function saveFile(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser needs the address until it has begun to save.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

import { get } from "@/api/client";
import type { Selection } from "./bulk";
import { type Fields, writtenSettings } from "./configuration";
import { EXPORT_ROWS, type JobRow, readPage } from "./rows";
import { forEachOf } from "./work";

export type Format = "yaml" | "json";

const READS_AT_ONCE = 6;

/**
 * Write jobs as a file, a page at a time, so that neither the tab nor the server stands still.
 *
 * The list masks secrets and leaves out rules of alerts and what is very long; such jobs are read one by one.
 */
export async function exportJobs(
  selection: Selection,
  format: Format,
  withSecrets: boolean,
  tell: (names: string[]) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const write = await writerOf(format);
  const parts: string[] = [];
  const seen = new Set<string>();
  for await (const jobs of batches(selection, withSecrets, signal)) {
    const fresh = jobs.filter(({ jobName }) => !seen.has(String(jobName)));
    for (const { jobName } of fresh) seen.add(String(jobName));
    if (fresh.length > 0) parts.push(write(fresh));
    tell(fresh.map(({ jobName }) => String(jobName)));
    if (signal.aborted) break;
  }
  const text = format === "json" ? ["[\n", parts.join(",\n"), "\n]\n"] : parts;
  return new Blob(text, { type: format === "json" ? "application/json" : "application/yaml" });
}

async function writerOf(format: Format): Promise<(jobs: Fields[]) => string> {
  if (format === "json") return (jobs) => jobs.map((job) => JSON.stringify(job, null, 2)).join(",\n");
  const { stringify } = await import("yaml");
  return (jobs) => stringify(jobs, { lineWidth: 0 });
}

async function* batches(
  selection: Selection,
  withSecrets: boolean,
  signal: AbortSignal,
): AsyncGenerator<Fields[]> {
  if ("names" in selection) {
    for (let from = 0; from < selection.names.length && !signal.aborted; from += EXPORT_ROWS) {
      yield await readAll(selection.names.slice(from, from + EXPORT_ROWS), withSecrets, signal);
    }
    return;
  }
  const rules = await get("/api/alert/rules", { signal });
  const hasRule = new Set(Object.keys(rules));
  for (let page = 1; !signal.aborted; page += 1) {
    const { rows } = await readPage(selection.matching, page, EXPORT_ROWS, signal);
    if (rows.length === 0) return;
    yield await completed(rows, hasRule, withSecrets, signal);
    if (rows.length < EXPORT_ROWS) return;
  }
}

async function readOne(jobName: string, withSecrets: boolean, signal: AbortSignal): Promise<Fields> {
  const query = withSecrets ? {} : { masked: true };
  return writtenSettings(await get("/api/job/jobs/{jobName}", { path: { jobName }, query, signal }));
}

async function readAll(
  names: readonly string[],
  withSecrets: boolean,
  signal: AbortSignal,
): Promise<Fields[]> {
  const jobs: Fields[] = [];
  await forEachOf(names, READS_AT_ONCE, signal, async (name, index) => {
    jobs[index] = await readOne(name, withSecrets, signal);
  });
  return jobs.filter((job) => job !== undefined);
}

async function completed(
  rows: readonly JobRow[],
  hasRule: ReadonlySet<string>,
  withSecrets: boolean,
  signal: AbortSignal,
): Promise<Fields[]> {
  const jobs = rows.map(writtenSettings);
  const incomplete = rows.flatMap((row, index) =>
    row.shortened || hasRule.has(`job:${row.jobName}`) || (withSecrets && JSON.stringify(row).includes("***"))
      ? [index]
      : [],
  );
  await forEachOf(incomplete, READS_AT_ONCE, signal, async (index) => {
    jobs[index] = await readOne(String(jobs[index]?.jobName), withSecrets, signal);
  });
  return jobs;
}

/** Hand a file to the browser. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

import { ApiError, get, post, put } from "@/api/client";
import { changedFields, type Fields, settingsOf } from "./configuration";
import type { Outcome } from "./outcomes";
import type { Word } from "./words";

export type Kind = "new" | "changed" | "unchanged" | "invalid";

/** One entry of what is to be imported, and what it is. */
export interface Entry {
  /** Its place, from 1 on. */
  place: number;
  jobName: string;
  kind: Kind;
  /** Of an invalid one: why. Ours is a word, the server's its own text. */
  problem: { word: Word } | { text: string } | null;
  changed: string[];
  settings: Fields;
}

/** A text that is neither JSON nor YAML. */
export class UnreadableError extends Error {}

/** Read a file or what was pasted: one job, a list, a page of the API, or several YAML documents. */
export async function readEntries(text: string): Promise<unknown[]> {
  const documents = await parsed(text);
  return documents.flatMap((document) => {
    if (Array.isArray(document)) return document as unknown[];
    if (isObject(document)) {
      for (const list of [document.jobs, document.rows]) if (Array.isArray(list)) return list as unknown[];
    }
    return document === null || document === undefined ? [] : [document];
  });
}

async function parsed(text: string): Promise<unknown[]> {
  try {
    return [JSON.parse(text) as unknown];
  } catch {
    const { parseAllDocuments } = await import("yaml");
    const documents = [...parseAllDocuments(text)];
    const error = documents.flatMap((document) => document.errors)[0];
    if (error) throw new UnreadableError(error.message);
    return documents.map((document): unknown => document.toJS());
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Say what can be said of an entry without the server: null where the server has to be asked. */
export function firstLook(entry: unknown, place: number, seen: Set<string>): Entry {
  const settings = isObject(entry) ? settingsOf(entry) : {};
  const jobName = typeof settings.jobName === "string" ? settings.jobName : "";
  const found = { place, jobName, kind: "invalid" as const, changed: [], settings };
  if (!isObject(entry)) return { ...found, problem: { word: "not_a_job" } };
  if (jobName === "") return { ...found, problem: { word: "no_name" } };
  if (seen.has(jobName)) return { ...found, problem: { word: "twice" } };
  if (entry.shortened === true) return { ...found, problem: { word: "was_shortened" } };
  seen.add(jobName);
  return { ...found, kind: "new", problem: null };
}

/** Ask the server what an entry is to it. Nothing is changed. */
export async function checkedEntry(entry: Entry, signal: AbortSignal): Promise<Entry> {
  const body = entry.settings;
  try {
    const stored = await storedJob(entry, signal);
    if (stored === null) {
      await post("/api/job/register", { query: { dryRun: true }, body, signal });
      return { ...entry, kind: "new" };
    }
    await put("/api/job/update", { query: { dryRun: true }, body, signal });
    const changed = changedFields(stored, body);
    return { ...entry, kind: changed.length > 0 ? "changed" : "unchanged", changed };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { ...entry, kind: "invalid", problem: { text } };
  }
}

async function storedJob({ jobName, settings }: Entry, signal: AbortSignal): Promise<object | null> {
  try {
    // A file with masks is compared with masks.
    const query = JSON.stringify(settings).includes("***") ? { masked: true } : {};
    return (await get("/api/job/jobs/{jobName}", { path: { jobName }, query, signal })) as object;
  } catch (error) {
    // A name that no job can have is 400 here; registering it says why.
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return null;
    throw error;
  }
}

export async function importEntry({ jobName, kind, settings }: Entry): Promise<Outcome> {
  try {
    if (kind === "new") await post("/api/job/register", { body: settings });
    else await put("/api/job/update", { body: settings });
    return { jobName, done: true, message: "" };
  } catch (error) {
    return { jobName, done: false, message: error instanceof Error ? error.message : String(error) };
  }
}

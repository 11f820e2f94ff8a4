import { useState } from "react";
import { ApiError } from "@/api/client";

/** The server's own words: by field, named as the API names it (`conditions.LATE.seconds`), and of no field. */
export interface Problems {
  fields: Readonly<Record<string, string>>;
  others: readonly string[];
}

export const NO_PROBLEMS: Problems = { fields: {}, others: [] };

/** Which fields a refusal is about. `isKnown` tells of which fields the form can show it. */
export function problemsOf(error: unknown, isKnown: (field: string) => boolean): Problems {
  const message = error instanceof Error ? error.message : String(error);
  const body = error instanceof ApiError ? (error.body as { errors?: unknown } | null) : null;
  const named = Array.isArray(body?.errors) ? (body.errors as { field: string; message: string }[]) : [];
  if (named.length === 0) return { fields: {}, others: [message] };
  const fields: Record<string, string> = {};
  const others: string[] = [];
  for (const { field, message: said } of named) {
    if (isKnown(field)) fields[field] = fields[field] ? `${fields[field]} ${said}` : said;
    else others.push(`${field}: ${said}`);
  }
  return { fields, others };
}

/** Carries out a change of a form: what the server refuses stays beside the fields until the next try. */
export function useSaving(isKnown: (field: string) => boolean) {
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, setIsBusy] = useState(false);
  async function save(change: () => Promise<void>): Promise<void> {
    setIsBusy(true);
    try {
      await change();
      setProblems(NO_PROBLEMS);
    } catch (error) {
      setProblems(problemsOf(error, isKnown));
    } finally {
      setIsBusy(false);
    }
  }
  return { problems, isBusy, save, forget: () => setProblems(NO_PROBLEMS) };
}

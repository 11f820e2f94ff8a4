import { ApiError } from "@/api/client";

/** The server's own words for each field, and what it said of none. */
export interface Problems {
  fields: Readonly<Record<string, string>>;
  others: readonly string[];
}

export const NO_PROBLEMS: Problems = { fields: {}, others: [] };

interface Named {
  field: string;
  message: string;
}

/**
 * Which of a form's `fields` an error is about.
 *
 * `fieldOf` knows the field of an answer that names none, such as `409` for a name that exists.
 */
export function problemsOf(
  error: unknown,
  fields: ReadonlySet<string>,
  fieldOf: (error: ApiError) => string | null,
): Problems {
  if (!(error instanceof ApiError)) return { fields: {}, others: [said(error)] };
  const named = (error.body as { errors?: Named[] } | null)?.errors ?? [];
  if (named.length > 0) return sorted(named, fields);
  const field = fieldOf(error);
  return field === null
    ? { fields: {}, others: [error.message] }
    : { fields: { [field]: error.message }, others: [] };
}

/** Two messages about parts of one field, such as `props`, stand there one after the other. */
function sorted(named: readonly Named[], known: ReadonlySet<string>): Problems {
  const fields: Record<string, string> = {};
  const others: string[] = [];
  for (const { field, message } of named) {
    const name = field.split(".")[0] ?? "";
    if (!known.has(name)) others.push(`${field}: ${message}`);
    else {
      const text = name === field ? message : `${field.slice(name.length + 1)}: ${message}`;
      fields[name] = fields[name] ? `${fields[name]} ${text}` : text;
    }
  }
  return { fields, others };
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

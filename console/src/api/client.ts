import type { paths } from "./schema";

/** A call that the server refused, or that did not reach it (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, message: string, body: unknown = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.body = body;
  }
}

type Method = "get" | "post" | "put" | "delete";
type Values = Record<string, string | number | boolean | null | undefined>;

export type CallPath<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never;

/** What a call answers, as the OpenAPI document has it. */
export type Answer<P extends keyof paths, M extends Method = "get"> =
  Operation<P, M> extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : unknown;

export type Query<P extends keyof paths, M extends Method = "get"> =
  Operation<P, M> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : Values;

export type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: { content: { "application/json": infer B } } } ? B : unknown;

export interface CallOptions {
  path?: Record<string, string | number>;
  query?: Values | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Where the console is served, with the prefix of a proxy: ends in `/`. */
export function baseUrl(): URL {
  return new URL(document.baseURI);
}

/** Fill in a path of the OpenAPI document, relative to the console's base: `api/job/runs/7?...`. */
export function callPath(template: string, options: Pick<CallOptions, "path" | "query"> = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(options.path?.[name] ?? "")),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return filled.replace(/^\//, "") + (text ? `?${text}` : "");
}

export function callUrl(template: string, options: Pick<CallOptions, "path" | "query"> = {}): string {
  return new URL(callPath(template, options), baseUrl()).href;
}

/** Told of each answer's status, 0 where the server was not reached: the banner and the login listen. */
type Listener = (status: number, path: string) => void;
const listeners = new Set<Listener>();

export function onAnswer(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(status: number, path: string): void {
  for (const listener of listeners) listener(status, path);
}

export async function send(method: Method, template: string, options: CallOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { "X-Elasticjob-Console": "1" };
  const init: RequestInit = { method: method.toUpperCase(), headers, credentials: "same-origin" };
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  if (options.signal) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(callUrl(template, options), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    tell(0, template);
    throw new ApiError(0, error instanceof Error ? error.message : String(error));
  }
  tell(response.status, template);
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    const message = (body as { message?: unknown }).message;
    return new ApiError(response.status, typeof message === "string" ? message : text, body);
  } catch {
    return new ApiError(response.status, text.slice(0, 500) || response.statusText);
  }
}

async function call(method: Method, template: string, options: CallOptions): Promise<unknown> {
  const response = await send(method, template, options);
  const text = await response.text();
  return text ? (JSON.parse(text) as unknown) : null;
}

export async function get<P extends CallPath<"get">>(
  path: P,
  options: CallOptions & { query?: Query<P> } = {},
): Promise<Answer<P>> {
  return (await call("get", path, options as CallOptions)) as Answer<P>;
}

export async function post<P extends CallPath<"post">>(
  path: P,
  options: CallOptions = {},
): Promise<Answer<P, "post">> {
  return (await call("post", path, options)) as Answer<P, "post">;
}

export async function put<P extends CallPath<"put">>(
  path: P,
  options: CallOptions = {},
): Promise<Answer<P, "put">> {
  return (await call("put", path, options)) as Answer<P, "put">;
}

export async function remove<P extends CallPath<"delete">>(
  path: P,
  options: CallOptions = {},
): Promise<Answer<P, "delete">> {
  return (await call("delete", path, options)) as Answer<P, "delete">;
}

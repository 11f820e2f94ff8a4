import type { Answer, Body } from "@/api/client";

export type Channel = Answer<"/api/alert/channels">[number];
export type ChannelBody = Body<"/api/alert/channels/{name}", "put">;
export type ChannelType = Channel["type"];

/** The fields of each type, in the order of the form (docs/alerts.md). */
export const FIELDS_OF: Readonly<Record<ChannelType, readonly ChannelField[]>> = {
  webhook: ["url", "secret", "headers"],
  mail: ["host", "tls", "port", "username", "password", "from", "to"],
  dingtalk: ["url", "secret", "keyword", "mentions"],
  wecom: ["url", "keyword", "mentions"],
  feishu: ["url", "secret", "keyword"],
  slack: ["url", "keyword"],
  teams: ["url", "keyword"],
  pagerduty: ["secret", "url"],
  alertmanager: ["url", "headers"],
};

export type ChannelField =
  | "url"
  | "secret"
  | "headers"
  | "keyword"
  | "mentions"
  | "host"
  | "port"
  | "tls"
  | "username"
  | "password"
  | "from"
  | "to";

export const TYPES = Object.keys(FIELDS_OF) as readonly ChannelType[];
export const MASK = "***";

/** A header in the form: `id` tells rows apart while their names change. */
export interface Header {
  id: number;
  name: string;
  value: string;
}

/** What the form holds: text as it is typed. */
export interface Draft {
  name: string;
  type: ChannelType;
  texts: Readonly<Record<string, string>>;
  lists: Readonly<Record<string, readonly string[]>>;
  headers: readonly Header[];
}

export function draftOf(channel: Channel | undefined): Draft {
  if (channel === undefined) return { name: "", type: "webhook", texts: {}, lists: {}, headers: [] };
  const { name, type, headers, mentions, to, ...texts } = channel;
  return {
    name,
    type,
    texts: Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, String(value)])),
    lists: { mentions: mentions ?? [], to: to ?? [] },
    headers: Object.entries(headers ?? {}).map(([each, value], id) => ({ id, name: each, value })),
  };
}

/** What is sent: the fields of this type that say something. */
export function bodyOf({ type, texts, lists, headers }: Draft): ChannelBody {
  const body: Record<string, unknown> = { type };
  for (const field of FIELDS_OF[type]) {
    if (field === "headers") {
      const named = headers.filter(({ name }) => name.trim() !== "");
      if (named.length > 0)
        body.headers = Object.fromEntries(named.map(({ name, value }) => [name.trim(), value]));
    } else if (field === "mentions" || field === "to") {
      const list = lists[field] ?? [];
      if (list.length > 0) body[field] = list;
    } else {
      const text = (texts[field] ?? "").trim();
      if (text !== "") body[field] = field === "port" ? Number(text) : text;
    }
  }
  return body as ChannelBody;
}

import { type CallOptions, callUrl } from "./client";

/** A command that was made for a terminal: what the console sends, as curl. */
export function curlOf(
  method: "GET" | "POST" | "PUT" | "DELETE",
  template: string,
  options: CallOptions = {},
  needsToken = true,
): string {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  if (needsToken) parts.push("-H", '"accessToken: $ELASTICJOB_TOKEN"');
  if (options.body !== undefined) {
    parts.push("-H", "'Content-Type: application/json'", "-d", quoted(JSON.stringify(options.body)));
  }
  parts.push(quoted(callUrl(template, options)));
  return parts.join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

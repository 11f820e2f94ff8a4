/** Read `0=Beijing,1=Shanghai`; null where it is not of this form, and only the text can be shown. */
export function readItems(text: string): Map<number, string> | null {
  const items = new Map<number, string>();
  const parts = text.trim().replace(/,$/, "");
  for (const part of parts === "" ? [] : parts.split(",")) {
    const found = /^\s*(\d{1,9})\s*=(.*)$/s.exec(part);
    if (!found) return null;
    const item = Number(found[1]);
    if (items.has(item)) return null;
    items.set(item, (found[2] ?? "").trim());
  }
  return items;
}

/** The text for items: in their order, without those that have no parameter. */
export function writeItems(items: ReadonlyMap<number, string>): string {
  return [...items]
    .filter(([, parameter]) => parameter !== "")
    .sort(([one], [other]) => one - other)
    .map(([item, parameter]) => `${item}=${parameter}`)
    .join(",");
}

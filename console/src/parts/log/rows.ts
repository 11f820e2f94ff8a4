/** One row of a log on the screen: a line, or a piece of a very long one. */
export interface Row {
  /** Stays the same while the row is shown, whatever comes before or after it. */
  key: string;
  stream: Stream;
  /** The byte of its stream where the row begins. */
  offset: number;
  text: string;
  /** It goes on the row before: their line was too long for one row. */
  isContinued: boolean;
  /** Not output: it says that output is missing here, or that the output began again. */
  isMark: boolean;
}

export type Stream = "stdout" | "stderr";

/** A part of a stream as the API gives it: `content` follows `missing` bytes that are not kept. */
export interface Part {
  stream: Stream;
  offset: number;
  missing: number;
  content: string;
}

/** A line of megabytes would freeze the page; so much of one costs nothing. */
export const ROW_CHARACTERS = 4000;

const encoder = new TextEncoder();

/** Cut a part into rows. A line that is not complete yet is the last row. */
export function rowsOf(part: Part): Row[] {
  const { mark, rest } = withoutMark(part);
  const rows: Row[] = mark ? [rowOf(part.stream, part.offset, mark, false, true)] : [];
  let offset = part.offset + part.missing;
  const lines = rest.split("\n");
  const open = lines.pop() ?? "";
  for (const line of lines) {
    offset = pushLine(rows, part.stream, offset, line) + 1;
  }
  if (open) pushLine(rows, part.stream, offset, open);
  return rows;
}

/** Put the rows of the part that follows behind others; the last of these goes on if its line was not complete. */
export function joined(before: readonly Row[], part: Part, isOpen: boolean): Row[] {
  const last = before.at(-1);
  if (!isOpen || !last || last.isMark || part.missing > 0) return [...before, ...rowsOf(part)];
  const end = part.content.indexOf("\n");
  const head = end < 0 ? part.content : part.content.slice(0, end);
  const pieces: Row[] = [];
  pushLine(pieces, last.stream, last.offset, last.text + head, last.isContinued);
  if (end < 0) return [...before.slice(0, -1), ...pieces];
  const rest = { ...part, offset: part.offset + bytesOf(head) + 1, content: part.content.slice(end + 1) };
  return [...before.slice(0, -1), ...pieces, ...rowsOf(rest)];
}

/** Whether the line that a part ends with may go on in the next one. */
export function endsOpen(part: Part): boolean {
  return part.content !== "" && !part.content.endsWith("\n");
}

export function markRow(stream: Stream, offset: number, text: string): Row {
  return rowOf(stream, offset, text, false, true);
}

function pushLine(rows: Row[], stream: Stream, start: number, line: string, isContinued = false): number {
  let offset = start;
  let rest = line;
  let goesOn = isContinued;
  while (rest.length > ROW_CHARACTERS) {
    const length = isHighSurrogate(rest.charCodeAt(ROW_CHARACTERS - 1)) ? ROW_CHARACTERS - 1 : ROW_CHARACTERS;
    const piece = rest.slice(0, length);
    rows.push(rowOf(stream, offset, piece, goesOn, false));
    offset += bytesOf(piece);
    rest = rest.slice(length);
    goesOn = true;
  }
  rows.push(rowOf(stream, offset, rest.endsWith("\r") ? rest.slice(0, -1) : rest, goesOn, false));
  return offset + bytesOf(rest);
}

function rowOf(stream: Stream, offset: number, text: string, isContinued: boolean, isMark: boolean): Row {
  return { key: `${stream}:${offset}${isMark ? ":mark" : ""}`, stream, offset, text, isContinued, isMark };
}

function withoutMark({ missing, content }: Part): { mark: string; rest: string } {
  if (missing === 0 || !content.startsWith("\n[")) return { mark: "", rest: content };
  const end = content.indexOf("\n", 1);
  return end < 0
    ? { mark: "", rest: content }
    : { mark: content.slice(1, end), rest: content.slice(end + 1) };
}

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

import { beforeEach, describe, expect, it, vi } from "vitest";
import { LogReader } from "./reader";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let stdout = new Uint8Array();
let ended = true;
let generation = "1";

/** A task's log as the API answers it, for one stream. */
async function get(_: string, { query }: { query: Record<string, number | string> }): Promise<unknown> {
  const limit = Number(query.limit ?? 65_536);
  let offset = Number(query.offset ?? 0);
  if (query.tail) offset = tailOffset(Number(query.tail), limit);
  if (query.generation && query.generation !== generation) offset = 0;
  let content = stdout.slice(offset, offset + limit);
  if (query.stream === "both" && offset + content.length < stdout.length) {
    content = content.slice(0, content.lastIndexOf(10) + 1); // whole lines
  }
  const [size, nextOffset] = [stdout.length, offset + content.length];
  const shared = { taskId: "t", size, nextOffset, ended, generation, truncated: false };
  const text = decoder.decode(content);
  if (query.stream === "both") {
    const parts = text ? [{ stream: "stdout", offset, missing: 0, content: text }] : [];
    return { ...shared, parts, nextStderrOffset: 0, stderrSize: 0 };
  }
  return { ...shared, stream: "stdout", offset, missing: 0, content: text };
}

function tailOffset(lines: number, limit: number): number {
  let found = 0;
  for (let at = stdout.length - 2; at >= Math.max(0, stdout.length - limit); at -= 1) {
    if (stdout[at] === 10) {
      found += 1;
      if (found === lines) return at + 1;
    }
  }
  return Math.max(0, stdout.length - limit);
}

vi.mock("@/api/client", () => ({ get: (...given: Parameters<typeof get>) => get(...given) }));

function lines(first: number, last: number): string {
  let text = "";
  for (let number = first; number < last; number += 1) text += `line ${number}\n`;
  return text;
}

beforeEach(() => {
  stdout = encoder.encode(lines(0, 100_000));
  ended = true;
  generation = "1";
});

describe.each(["stdout", "both"] as const)("a window on %s", (stream) => {
  it("opens at the end, and goes back to the beginning without a line lost or told twice", async () => {
    const reader = new LogReader("t", stream);
    await reader.openAtEnd();
    expect(reader.state.rows.at(-1)?.text).toBe("line 99999");
    expect(reader.state).toMatchObject({ isAtEnd: true, isEnded: true, hasOlder: true });
    const seen = new Set(reader.state.rows.map((row) => row.text));
    for (let step = 0; reader.state.hasOlder && step < 100; step += 1) {
      await reader.older();
      const texts = reader.state.rows.map((row) => row.text);
      const first = Number(texts[0]?.slice(5));
      expect(texts).toEqual(texts.map((_, index) => `line ${first + index}`));
      for (const text of texts) seen.add(text);
    }
    expect(reader.state.rows[0]).toMatchObject({ text: "line 0", offset: 0 });
    expect(seen.size).toBe(100_000);
    expect(reader.state.rows.length).toBeLessThanOrEqual(20_000);
  });

  it("goes on to the end from there", async () => {
    const reader = new LogReader("t", stream);
    await reader.openAtEnd();
    while (reader.state.hasOlder) await reader.older();
    for (let step = 0; !reader.state.isAtEnd && step < 100; step += 1) await reader.newer();
    expect(reader.state.rows.at(-1)?.text).toBe("line 99999");
    const first = Number(reader.state.rows[0]?.text.slice(5));
    expect(reader.state.rows.map((row) => row.text)).toEqual(
      reader.state.rows.map((_, index) => `line ${first + index}`),
    );
  });

  it("follows what is written, until it is ended", async () => {
    stdout = encoder.encode("one\n");
    ended = false;
    const reader = new LogReader("t", stream);
    await reader.openAtEnd();
    stdout = encoder.encode("one\ntwo\n");
    await reader.newer();
    expect(reader.state.rows.map((row) => row.text)).toEqual(["one", "two"]);
    expect(reader.state.isEnded).toBe(false);
    ended = true;
    await reader.newer();
    expect(reader.state.isEnded).toBe(true);
  });

  it("says that the output began again, and shows the new one", async () => {
    stdout = encoder.encode("before\n");
    ended = false;
    const reader = new LogReader("t", stream);
    await reader.openAtEnd();
    [stdout, generation] = [encoder.encode("after\n"), "2"];
    await reader.newer();
    expect(reader.state.rows.map((row) => [row.text, row.isMark])).toEqual([
      ["before", false],
      ["[... the output began again ...]", true],
      ["after", false],
    ]);
  });
});

describe("a window on one stream", () => {
  it("opens anywhere, with the line asked for in it", async () => {
    const offset = encoder.encode(lines(0, 50_000)).length;
    const reader = new LogReader("t", "stdout");
    await reader.openAt(offset);
    expect(reader.state.rows.find((row) => row.offset === offset)?.text).toBe("line 50000");
    expect(reader.state.isAtEnd).toBe(false);
  });

  it("reads a line of five megabytes backwards", async () => {
    stdout = encoder.encode(`first\n${"x".repeat(5_000_000)}\nlast\n`);
    const reader = new LogReader("t", "stdout");
    await reader.openAtEnd();
    for (let step = 0; reader.state.hasOlder && step < 200; step += 1) await reader.older();
    const { rows } = reader.state;
    expect(rows[0]?.text).toBe("first");
    expect(rows.at(-1)?.text).toBe("last");
    expect(rows.slice(1, -1).reduce((sum, row) => sum + row.text.length, 0)).toBe(5_000_000);
  });
});

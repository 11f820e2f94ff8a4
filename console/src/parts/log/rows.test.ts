import { describe, expect, it } from "vitest";
import { endsOpen, joined, type Part, ROW_CHARACTERS, rowsOf } from "./rows";

function part(content: string, offset = 0, missing = 0): Part {
  return { stream: "stdout", offset, missing, content };
}

describe("rowsOf", () => {
  it("gives each line the byte at which it begins", () => {
    const rows = rowsOf(part("a\n二\nb\n", 10));
    expect(rows.map((row) => [row.text, row.offset])).toEqual([
      ["a", 10],
      ["二", 12],
      ["b", 16],
    ]);
  });

  it("keeps empty lines, and no row for what follows the last line end", () => {
    expect(rowsOf(part("a\n\nb\n")).map((row) => row.text)).toEqual(["a", "", "b"]);
    expect(rowsOf(part(""))).toEqual([]);
  });

  it("cuts a line of megabytes into rows that are drawn quickly, and no character in two", () => {
    const rows = rowsOf(part(`${"x".repeat(ROW_CHARACTERS - 1)}😀${"y".repeat(5_000_000)}\nend`));
    expect(rows.every((row) => row.text.length <= ROW_CHARACTERS)).toBe(true);
    expect(rows[0]?.text).toBe("x".repeat(ROW_CHARACTERS - 1));
    expect(rows[1]?.text.startsWith("😀")).toBe(true);
    expect(rows[1]?.offset).toBe(ROW_CHARACTERS - 1);
    expect(rows.map((row) => row.isContinued)).toEqual([false, ...rows.slice(2).map(() => true), false]);
    expect(rows.at(-1)).toMatchObject({ text: "end", offset: ROW_CHARACTERS - 1 + 4 + 5_000_000 + 1 });
  });

  it("says where output is missing, and goes on counting behind it", () => {
    const rows = rowsOf(part("\n[... 90 bytes left out ...]\nrest\n", 10, 90));
    expect(rows.map((row) => [row.text, row.offset, row.isMark])).toEqual([
      ["[... 90 bytes left out ...]", 10, true],
      ["rest", 100, false],
    ]);
  });

  it("shows no carriage return at a line's end", () => {
    expect(rowsOf(part("a\r\nb\n")).map((row) => [row.text, row.offset])).toEqual([
      ["a", 0],
      ["b", 3],
    ]);
  });

  it("gives every row a key of its own", () => {
    const rows = rowsOf(part("\n[... 90 bytes left out ...]\n\n\n", 0, 90));
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });
});

describe("joined", () => {
  it("goes on with a line that was not complete, at any cut, as if it had come at once", () => {
    const whole = `first\n二 second\n${"z".repeat(9000)}\n\nlast`;
    for (const cut of [0, 1, 5, 6, 7, 9, 16, 4500, whole.length - 1, whole.length]) {
      const [head, tail] = [part(whole.slice(0, cut)), whole.slice(cut)];
      const bytes = new TextEncoder().encode(head.content).length;
      expect(joined(rowsOf(head), part(tail, bytes), endsOpen(head))).toEqual(rowsOf(part(whole)));
    }
  });

  it("does not join lines over a gap", () => {
    const rows = joined(rowsOf(part("half")), part("\n[... 6 bytes left out ...]\nrest", 4, 6), true);
    expect(rows.map((row) => row.text)).toEqual(["half", "[... 6 bytes left out ...]", "rest"]);
  });
});

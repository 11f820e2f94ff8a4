import { describe, expect, it } from "vitest";
import { csvLine } from "./csv";

describe("csvLine", () => {
  it("quotes what has commas, quotes and line ends", () => {
    expect(csvLine(["a,b", 'say "x"', "two\nlines", "plain", null, 3, true])).toBe(
      '"a,b","say ""x""","two\nlines",plain,,3,true\r\n',
    );
  });

  it("lets no text begin as a formula does", () => {
    for (const start of ["=", "+", "-", "@", "\t", "\r"]) {
      const line = csvLine([`${start}1+1`]);
      expect(line.replace(/^"/, "").startsWith("'")).toBe(true);
    }
  });
});

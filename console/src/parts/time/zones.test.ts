import { describe, expect, it } from "vitest";
import { epochOfWall, wallTime, zoneOffset } from "./zones";

describe("zones", () => {
  it("shows and reads the time of a zone's clocks", () => {
    const epoch = Date.parse("2026-11-30T22:05:01Z");
    expect(wallTime(epoch, "Asia/Shanghai")).toBe("2026-12-01T06:05:01");
    expect(zoneOffset(epoch, "Asia/Kolkata")).toBe(5.5 * 3_600_000);
    expect(epochOfWall("2026-12-01T06:05:01", "Asia/Shanghai")).toBe(epoch);
  });

  it("takes the first of an hour that is passed twice, and a skipped time as from before", () => {
    expect(epochOfWall("2026-10-25T02:30", "Europe/Berlin")).toBe(Date.parse("2026-10-25T00:30:00Z"));
    expect(epochOfWall("2026-03-29T02:30", "Europe/Berlin")).toBe(Date.parse("2026-03-29T01:30:00Z"));
    expect(epochOfWall("2026-11-01T01:30", "America/New_York")).toBe(Date.parse("2026-11-01T05:30:00Z"));
  });

  it("knows what is no time", () => {
    expect(epochOfWall("soon", "UTC")).toBeNull();
  });
});

import { expect, test } from "vitest";
import { filtersOf, searchOf, viewsIn, withView } from "./store";

test("the same filters are the same view, whatever their order and page", () => {
  const one = filtersOf({ state: "FAILED", appName: "a&b", page: "3", cursor: "x", id: "7" });
  expect(one).toBe(filtersOf({ appName: "a&b", state: "FAILED" }));
  expect(searchOf({ name: "any", search: one })).toEqual({ appName: "a&b", state: "FAILED" });
});

test("a view of a name that exists replaces it, and names are in order", () => {
  const views = [
    { name: "a", search: "1" },
    { name: "c", search: "3" },
  ];
  expect(withView(views, { name: "b", search: "2" }).map(({ name }) => name)).toEqual(["a", "b", "c"]);
  expect(withView(views, { name: "a", search: "9" })).toEqual([
    { name: "a", search: "9" },
    { name: "c", search: "3" },
  ]);
});

test("what is stored and is no view is left out", () => {
  const good = { name: "good", search: "state=FAILED" };
  expect(viewsIn(JSON.stringify({ "/jobs": [good, 7, null, { name: "no search" }], "/runs": "x" }))).toEqual({
    "/jobs": [good],
    "/runs": [],
  });
  for (const text of ["", "{", "null", "7", "[]"]) expect(viewsIn(text)).toEqual({});
});

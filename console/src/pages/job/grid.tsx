import { useRouter } from "@tanstack/react-router";
import { Button, Checkbox } from "antd";
import { type KeyboardEvent, type MouseEvent, memo, useRef, useState } from "react";
import { callUrl } from "@/api/client";
import type { Run } from "@/parts/runs/types";
import { StateSquare } from "@/parts/states";
import { useNow } from "@/parts/time/clock";
import { epochOf, useShownLength, useShownTime } from "@/parts/time/time";
import { useWords as useStates } from "@/parts/words";
import { useWords } from "./words";

const ROWS = 25;
const MORE = 100;
const BAR_PIXELS = 56;
const LETTERS: Record<string, string> = {
  W: "WAITING",
  R: "RUNNING",
  S: "SUCCEEDED",
  F: "FAILED",
  K: "KILLED",
  D: "DROPPED",
};
const LOOKS: Record<string, string> = {
  SUCCEEDED: "good",
  FAILED: "bad",
  RUNNING: "busy",
  KILLED: "warn",
  DROPPED: "warn",
};

/** The last runs as columns, their shards as rows: a square for each shard of each run, and a bar for its duration. */
export function Grid({
  runs,
  parameters,
  total,
}: {
  runs: readonly Run[];
  parameters: Map<number, string>;
  total: number;
}) {
  const t = useWords();
  const [most, setMost] = useState(ROWS);
  const [isOnlyBad, setIsOnlyBad] = useState(false);
  const table = useRef<HTMLTableElement>(null);
  const open = useOpen();
  const known = runs.reduce((longest, { shardStates }) => Math.max(longest, shardStates?.length ?? 0), 0);
  // Of runs with very many shards the list does not say how each went; their own pages do.
  const all = Array.from({ length: known > 0 ? Math.max(known, total) : 0 }, (_, item) => item);
  const items = isOnlyBad ? all.filter((item) => wasBad(runs, item)) : all;
  const shown = items.slice(0, most);
  const left = items.length - shown.length;
  return (
    <>
      <div className="bar">
        <Checkbox checked={isOnlyBad} onChange={({ target }) => setIsOnlyBad(target.checked)}>
          {t("grid_only_bad")}
        </Checkbox>
      </div>
      <div className="job-grid-box">
        <table
          className="job-grid"
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table that arrow keys move in is a grid
          role="grid"
          aria-label={t("grid")}
          ref={table}
          onKeyDown={(event) => move(event, table.current)}
          onClick={open}
        >
          <thead>
            <Bars runs={runs} />
          </thead>
          <tbody>
            {shown.map((item) => (
              <Row
                key={item}
                item={item}
                parameter={parameters.get(item) ?? ""}
                columns={columnsOf(runs, item)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {known === 0 ? <p className="calm">{t("grid_shards_unknown")}</p> : null}
      {left > 0 ? (
        <Button size="small" onClick={() => setMost(most + MORE)}>
          {t("grid_more", { count: Math.min(MORE, left), left })}
        </Button>
      ) : null}
    </>
  );
}

function wasBad(runs: readonly Run[], item: number): boolean {
  return runs.some(({ shardStates }) => "FK".includes(shardStates?.[item] || "-"));
}

/** A row's runs and letters in one text, so that a row is only drawn again when one of them has changed. */
function columnsOf(runs: readonly Run[], item: number): string {
  return runs.map(({ runId, shardStates }) => `${runId}${letterOf(shardStates, item)}`).join(" ");
}

function letterOf(states: string | null | undefined, item: number): string {
  return states === null || states === undefined ? "?" : (states[item] ?? "-");
}

const Row = memo(function Row({
  item,
  parameter,
  columns,
}: {
  item: number;
  parameter: string;
  columns: string;
}) {
  return (
    <tr>
      <th scope="row" title={parameter}>
        {item}
        {parameter ? <span className="calm"> {parameter}</span> : null}
      </th>
      {columns.split(" ").map((column) => (
        <Cell key={column.slice(0, -1)} runId={column.slice(0, -1)} item={item} letter={column.slice(-1)} />
      ))}
    </tr>
  );
});

function Cell({ runId, item, letter }: { runId: string; item: number; letter: string }) {
  const t = useWords();
  const states = useStates();
  const state = LETTERS[letter];
  if (state === undefined) {
    const name = t("grid_cell", {
      id: runId,
      item,
      state: t(letter === "?" ? "grid_unknown" : "grid_absent"),
    });
    return (
      <td title={name}>
        <span className="job-absent" aria-label={name} role="img">
          {letter === "?" ? "?" : ""}
        </span>
      </td>
    );
  }
  const name = t("grid_cell", { id: runId, item, state: states(state as Parameters<typeof states>[0]) });
  return (
    <td>
      <a href={hrefOf(runId, item)} data-run={runId} data-item={item} tabIndex={-1}>
        <StateSquare state={state} title={name} />
      </a>
    </td>
  );
}

function hrefOf(runId: string | number, item?: number): string {
  return callUrl(`/runs/${runId}`, item === undefined ? {} : { query: { shard: item } });
}

/** The first row: how long each run took. */
function Bars({ runs }: { runs: readonly Run[] }) {
  const t = useWords();
  const states = useStates();
  const length = useShownLength();
  const time = useShownTime();
  const now = useNow();
  const took = runs.map(({ startTime, endTime }) => {
    const from = epochOf(startTime);
    return from === null ? 0 : Math.max(0, (epochOf(endTime) ?? now) - from);
  });
  const longest = Math.max(1, ...took);
  return (
    <tr>
      <th scope="col" className="job-corner">
        {t("grid_longest", { length: length(longest) })}
      </th>
      {runs.map((run, at) => {
        const name = t("grid_run", {
          id: run.runId,
          state: states(run.state),
          length: length(took[at] ?? 0),
          due: time(run.dueTime),
        });
        return (
          <th key={run.runId} scope="col">
            <a
              href={hrefOf(run.runId)}
              data-run={run.runId}
              tabIndex={at === 0 ? 0 : -1}
              aria-label={name}
              title={name}
              className="job-bar-box"
            >
              <span
                className={`job-bar job-bar-${LOOKS[run.state] ?? "calm"}`}
                style={{ height: Math.max(3, Math.round((BAR_PIXELS * (took[at] ?? 0)) / longest)) }}
              />
            </a>
          </th>
        );
      })}
    </tr>
  );
}

/** Follow a link of the grid without loading the page anew: one listener, not one for each of a thousand cells. */
function useOpen(): (event: MouseEvent) => void {
  const router = useRouter();
  return (event) => {
    const isPlain =
      event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>("a[data-run]");
    if (!link || !isPlain) return;
    event.preventDefault();
    const { run = "", item } = link.dataset;
    void router.navigate({
      to: "/runs/$runId",
      params: { runId: run },
      search: item === undefined ? {} : { shard: item },
    });
  };
}

const STEPS: Record<string, readonly [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** One stop for the tab key; inside, arrow keys go from square to square. */
function move(event: KeyboardEvent, table: HTMLTableElement | null): void {
  const here = (event.target as HTMLElement).closest("td, th");
  const row = here?.parentElement;
  if (!table || !here || !row) return;
  const rows = [...table.rows];
  const column = [...row.children].indexOf(here);
  const line = rows.indexOf(row as HTMLTableRowElement);
  const step = STEPS[event.key];
  let target: Element | null | undefined;
  if (step) target = linkFrom(rows, line, column, step);
  else if (event.key === "Home") target = row.querySelector("a");
  else if (event.key === "End") target = [...row.querySelectorAll("a")].at(-1);
  else return;
  event.preventDefault();
  if (!(target instanceof HTMLElement)) return;
  for (const link of table.querySelectorAll('a[tabindex="0"]')) link.setAttribute("tabindex", "-1");
  target.setAttribute("tabindex", "0");
  target.focus();
}

/** The next cell with a link that way: cells of shards that a run leaves out are passed over. */
function linkFrom(
  rows: readonly HTMLTableRowElement[],
  line: number,
  column: number,
  [down, right]: readonly [number, number],
): Element | null {
  for (let y = line + down, x = column + right; ; y += down, x += right) {
    const cell = rows[y]?.children[x];
    if (!cell) return null;
    const link = cell.querySelector("a");
    if (link) return link;
  }
}

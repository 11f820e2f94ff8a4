import { Button, Checkbox } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { RunLink } from "@/parts/links";
import { Problem } from "@/parts/page";
import { Lateness } from "@/parts/runs/cells";
import { SettingsDifferences } from "@/parts/runs/settings";
import { isLive, type RunDetail, type Shard } from "@/parts/runs/types";
import { Source, State } from "@/parts/states";
import { epochOf, Lasted, useShownLength, When } from "@/parts/time/time";
import { useWords } from "./words";

const ROWS = 50;
const MORE = 200;

function useRun(id: number) {
  const [isOver, setIsOver] = useState(false);
  const read = useRead("/api/job/runs/{runId}", {
    path: { runId: id },
    topics: isOver ? [] : ["runs", "tasks"],
    keepPrevious: false,
  });
  if (read.data && !isLive(read.data.run) && !isOver) setIsOver(true);
  return read;
}

/** Two runs side by side: how each shard went, how long it took, and what was set differently. */
export function Compare({ ids: [one, other], onClose }: { ids: [number, number]; onClose: () => void }) {
  const t = useWords();
  const a = useRun(one);
  const b = useRun(other);
  return (
    <section className="panel" aria-labelledby="job-compare">
      <div className="bar">
        <h2 id="job-compare" className="job-compare-title">
          {t("compare_title", { one, other })}
        </h2>
        <Button onClick={onClose}>{t("compare_close")}</Button>
      </div>
      {[a, b].map((read, at) =>
        read.error ? <Problem key={at === 0 ? one : other} error={read.error} /> : null,
      )}
      {a.data && b.data ? <SideBySide one={a.data} other={b.data} /> : null}
    </section>
  );
}

function SideBySide({ one, other }: { one: RunDetail; other: RunDetail }) {
  const t = useWords();
  const names = [one, other].map(({ run }) => t("compare_name", { id: run.runId }));
  return (
    <>
      <table className="job-table">
        <thead>
          <tr>
            <th scope="col">{t("run")}</th>
            <th scope="col">{t("state")}</th>
            <th scope="col">{t("source")}</th>
            <th scope="col">{t("due")}</th>
            <th scope="col">{t("lateness")}</th>
            <th scope="col">{t("duration")}</th>
            <th scope="col">{t("succeeded")}</th>
            <th scope="col">{t("failed")}</th>
            <th scope="col">{t("summary")}</th>
          </tr>
        </thead>
        <tbody>
          {[one, other].map(({ run }) => (
            <tr key={run.runId}>
              <th scope="row">
                <RunLink id={run.runId} />
              </th>
              <td>
                <State state={run.state} />
              </td>
              <td>
                <Source source={run.source} />
              </td>
              <td>
                <When at={run.dueTime} />
              </td>
              <td>
                <Lateness due={run.dueTime} start={run.startTime} />
              </td>
              <td>
                <Lasted start={run.startTime} end={run.endTime} />
              </td>
              <td>{run.shards.succeeded}</td>
              <td>{run.shards.failed}</td>
              <td>{run.summary || run.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>{t("compare_settings")}</h3>
      {one.configuration && other.configuration ? (
        <SettingsDifferences
          one={one.configuration}
          other={other.configuration}
          names={[names[0] ?? "", names[1] ?? ""]}
          same={t("compare_same")}
        />
      ) : (
        <p>{t("compare_unknown")}</p>
      )}
      <h3>{t("compare_shards")}</h3>
      <ShardPairs one={one.shards} other={other.shards} names={[names[0] ?? "", names[1] ?? ""]} />
    </>
  );
}

function lengthOf(shard: Shard | undefined): number | null {
  const last = shard?.attempts.at(-1);
  const from = epochOf(last?.startTime);
  const to = epochOf(last?.endTime);
  return from === null || to === null ? null : to - from;
}

function ShardPairs({
  one,
  other,
  names,
}: {
  one: readonly Shard[];
  other: readonly Shard[];
  names: readonly [string, string];
}) {
  const t = useWords();
  const [most, setMost] = useState(ROWS);
  const [isOnlyDifferent, setIsOnlyDifferent] = useState(false);
  const of = [one, other].map((shards) => new Map(shards.map((shard) => [shard.item, shard])));
  const items = [...new Set([...one, ...other].map(({ item }) => item))].sort((a, b) => a - b);
  const pairs = items
    .map((item) => [item, of[0]?.get(item), of[1]?.get(item)] as const)
    .filter(([, a, b]) => !isOnlyDifferent || a?.state !== b?.state);
  const left = pairs.length - most;
  return (
    <>
      <Checkbox checked={isOnlyDifferent} onChange={({ target }) => setIsOnlyDifferent(target.checked)}>
        {t("compare_only_different")}
      </Checkbox>
      <div className="job-grid-box">
        <table className="job-table">
          <thead>
            <tr>
              <th scope="col">{t("shard")}</th>
              <th scope="col">{t("parameter")}</th>
              {names.map((name) => (
                <th key={name} scope="col" colSpan={2}>
                  {name}
                </th>
              ))}
              <th scope="col">{t("compare_difference")}</th>
            </tr>
          </thead>
          <tbody>
            {pairs.slice(0, most).map(([item, a, b]) => (
              <tr key={item}>
                <th scope="row">{item}</th>
                <td>
                  {a && b && a.parameter !== b.parameter
                    ? `${a.parameter} → ${b.parameter}`
                    : (b ?? a)?.parameter}
                </td>
                <Half shard={a} />
                <Half shard={b} />
                <td>
                  <Difference from={lengthOf(a)} to={lengthOf(b)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {left > 0 ? (
        <Button size="small" onClick={() => setMost(most + MORE)}>
          {t("grid_more", { count: Math.min(MORE, left), left })}
        </Button>
      ) : null}
    </>
  );
}

function Half({ shard }: { shard: Shard | undefined }) {
  const last = shard?.attempts.at(-1);
  return (
    <>
      <td>{shard ? <State state={shard.state} /> : <span aria-hidden="true">–</span>}</td>
      <td>
        <Lasted start={last?.startTime} end={last?.endTime} />
      </td>
    </>
  );
}

function Difference({ from, to }: { from: number | null; to: number | null }) {
  const length = useShownLength();
  if (from === null || to === null) return <span aria-hidden="true">–</span>;
  const more = to - from;
  return (
    <span className="nowrap">
      {more < 0 ? "−" : "+"}
      {length(Math.abs(more))}
    </span>
  );
}

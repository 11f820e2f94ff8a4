import { Button } from "antd";
import { useRead } from "@/api/live";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Page } from "@/parts/page";
import { useBounds } from "@/parts/range/range";
import { Pages, RunsTable } from "@/parts/runs/table";
import { SavedViews } from "@/parts/views";
import { Filters } from "./filters";
import { DEFAULTS, queryOf } from "./query";
import "./runs.css";
import { useWords } from "./words";

export default function RunsPage() {
  const t = useWords();
  const [filters, change] = useFilters(DEFAULTS);
  const query = queryOf(filters, useBounds(filters));
  const runs = useRead("/api/job/runs", { query, topics: ["runs"] });
  const isLive = filters.state === "WAITING" || filters.state === "RUNNING";
  return (
    <Page title={t("title")} actions={<SavedViews />}>
      <Filters filters={filters} onChange={change} />
      {isLive ? <p className="calm">{t("all_live")}</p> : null}
      <Loaded read={runs}>
        {({ rows, next }) => (
          <div className="panel">
            <RunsTable rows={rows} withJob isFetching={runs.isPlaceholderData} nothing={t("nothing")} />
            {rows.length === 0 && filters.since !== "all" && !isLive ? (
              <p className="runs-hint">
                {t("nothing_hint")}{" "}
                <Button size="small" onClick={() => change({ since: "all", from: "", to: "" })}>
                  {t("all_ever")}
                </Button>
              </p>
            ) : null}
            <Pages cursor={filters.cursor} next={next} onGo={(cursor) => change({ cursor })} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

import { Button, Skeleton, Table } from "antd";
import { lazy, Suspense, useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { CopyCurl } from "@/parts/action";
import { LinkButton } from "@/parts/link-button";
import { useFilters } from "@/parts/lists/filters";
import { Nothing, Page, Problem } from "@/parts/page";
import { SavedViews } from "@/parts/views";
import { Bulk, type Selection } from "./bulk";
import { useColumns } from "./columns";
import { FilterBar } from "./filters";
import { DEFAULTS, type Filters, type JobRow, matchingOf, PAGE_ROWS, pageOf, SORTS, useJobs } from "./rows";
import "./jobs.css";
import { useWords } from "./words";

const Exporting = lazy(() => import("./exporting"));
const Importing = lazy(() => import("./importing"));

export default function JobsPage() {
  const t = useWords();
  const mayAct = useMayAct();
  const [filters, change] = useFilters(DEFAULTS);
  const [isImporting, setIsImporting] = useState(false);
  const [exported, setExported] = useState<Selection | null>(null);
  const read = useJobs(filters);
  const matching = matchingOf(filters);
  const total = read.data?.total ?? 0;

  return (
    <Page
      title={t("title")}
      actions={
        <>
          <SavedViews />
          <Button disabled={total === 0} onClick={() => setExported({ matching, total })}>
            {t("export")}
          </Button>
          {mayAct ? (
            <>
              <Button onClick={() => setIsImporting(true)}>{t("import")}</Button>
              <LinkButton type="primary" to="/jobs/new">
                {t("register")}
              </LinkButton>
            </>
          ) : null}
        </>
      }
    >
      <FilterBar filters={filters} change={change} />
      {read.error ? <Problem error={read.error} retry={() => void read.refetch()} /> : null}
      {read.data === undefined && !read.error ? <Skeleton active={false} /> : null}
      {read.data ? (
        <List
          key={JSON.stringify(matching)} // what is selected belongs to what is filtered
          rows={read.data.rows}
          total={total}
          filters={filters}
          change={change}
          onExport={setExported}
        />
      ) : null}
      <Suspense>
        {exported ? <Exporting selection={exported} onClose={() => setExported(null)} /> : null}
        {isImporting ? <Importing onClose={() => setIsImporting(false)} /> : null}
      </Suspense>
    </Page>
  );
}

function List({
  rows,
  total,
  filters,
  change,
  onExport,
}: {
  rows: JobRow[];
  total: number;
  filters: Filters;
  change: (changed: Partial<Filters>) => void;
  onExport: (selection: Selection) => void;
}) {
  const t = useWords();
  const mayAct = useMayAct();
  const columns = useColumns(filters, mayAct);
  const [names, setNames] = useState<readonly string[]>([]);
  const [isAll, setIsAll] = useState(false);
  const matching = matchingOf(filters);
  const selection: Selection = isAll ? { matching, total } : { names };
  if (total === 0) return <Empty filters={filters} />;

  function clear(): void {
    setNames([]);
    setIsAll(false);
  }

  return (
    <>
      {mayAct && (isAll || names.length > 0) ? (
        <section className="bar jobs-selection" aria-label={t("selection")}>
          <span role="status">
            {isAll ? t("all_selected", { count: total }) : t("selected", { count: names.length })}
          </span>
          {!isAll && total > names.length ? (
            <Button type="link" onClick={() => setIsAll(true)}>
              {t("select_all", { count: total })}
            </Button>
          ) : null}
          <Button type="link" onClick={clear}>
            {t("clear")}
          </Button>
          <Bulk selection={selection} onDone={clear} />
          <Button onClick={() => onExport(selection)}>{t("export")}</Button>
        </section>
      ) : null}
      <Table<JobRow>
        size="small"
        rowKey="jobName"
        columns={columns}
        dataSource={rows}
        className="jobs-table" // scrolls by its style: antd's own way has a second, hidden checkbox for all
        sortDirections={["ascend", "descend", "ascend"]}
        pagination={{
          current: pageOf(filters),
          pageSize: PAGE_ROWS,
          total,
          showSizeChanger: false,
          showTotal: (count) => t("total", { count }),
        }}
        onChange={({ current }, _, sorter, { action }) => {
          if (action === "paginate") change({ page: String(current ?? 1) });
          const by = Array.isArray(sorter) ? sorter[0] : sorter;
          const key = SORTS.find((each) => each === by?.columnKey);
          if (action === "sort" && key)
            change({ sort: key, order: by?.order === "descend" ? "desc" : "asc" });
        }}
        {...(mayAct
          ? {
              rowSelection: {
                preserveSelectedRowKeys: true,
                selectedRowKeys: isAll ? rows.map(({ jobName }) => jobName) : [...names],
                onChange: (keys: React.Key[]) => setNames(keys.map(String)),
                getCheckboxProps: (row: JobRow) => ({
                  disabled: isAll,
                  "aria-label": t("select_row", { name: row.jobName }),
                }),
                getTitleCheckboxProps: () => ({ disabled: isAll, "aria-label": t("select_page") }),
              },
            }
          : {})}
      />
      <CopyCurl command={{ method: "GET", path: "/api/job/jobs", options: { query: listQuery(filters) } }} />
    </>
  );
}

function listQuery(filters: Filters): Record<string, string | number> {
  return {
    ...matchingOf(filters),
    page: pageOf(filters),
    per_page: PAGE_ROWS,
    ...(filters.sort === DEFAULTS.sort ? {} : { sort: filters.sort }),
    ...(filters.order === DEFAULTS.order ? {} : { order: filters.order }),
  };
}

function Empty({ filters }: { filters: Filters }) {
  const t = useWords();
  const mayAct = useMayAct();
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  if (Object.keys(matchingOf(filters)).length > 0) return <Nothing text={t("no_match")} />;
  if (apps.data?.length === 0) {
    return (
      <Nothing text={t("no_apps")}>
        {mayAct ? <LinkButton to="/apps/new">{t("publish_app")}</LinkButton> : null}
      </Nothing>
    );
  }
  return (
    <Nothing text={t("no_jobs")}>
      {mayAct ? <LinkButton to="/jobs/new">{t("register")}</LinkButton> : null}
    </Nothing>
  );
}

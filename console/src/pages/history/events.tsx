import { ReloadOutlined } from "@ant-design/icons";
import { Button, Table, type TableColumnsType, type TableProps } from "antd";
import type { ReactNode } from "react";
import type { Query } from "@/api/client";
import { useRead } from "@/api/live";
import { useAmounts } from "@/parts/amounts";
import { Loaded, Nothing } from "@/parts/page";
import { useBounds } from "@/parts/range/range";
import type { Change, Filters } from ".";
import { CsvButton } from "./csv-button";
import type { HistoryPage, HistoryPath } from "./rows";
import { useWords } from "./words";

const ROWS = 50;
/** Where the server stops counting rows that its own counts do not know. */
const COUNTED = new Set([20_000, 100_000]);
const SORTED = 20_000;

export interface EventsProps<Row> {
  path: HistoryPath;
  filters: Filters;
  change: Change;
  /** The filters that this table has, by their names in the API. */
  names: readonly (keyof Filters)[];
  columns: TableColumnsType<Row>;
  csvColumns: readonly string[];
  timeColumn: string;
  csvName: string;
  children: ReactNode;
}

/** A page of one of the two tables of the history: sorted, filtered and counted by the server. */
export function Events<Row extends { id: number }>(props: EventsProps<Row>) {
  const { path, filters, change, names, columns, csvColumns, timeColumn, csvName, children } = props;
  const t = useWords();
  const bounds = useBounds(filters);
  const page = Math.max(1, Number.parseInt(filters.page, 10) || 1);
  const given: Record<string, string> = { ...bounds };
  for (const name of names) if (filters[name]) given[name] = filters[name];
  const isNewestFirst = filters.sort === "" && page === 1;
  const query = {
    ...given,
    page,
    per_page: ROWS,
    ...(filters.sort ? { sort: filters.sort, order: filters.order === "ASC" ? "ASC" : "DESC" } : {}),
  };
  const events = useRead(path, {
    // The names are those of the two calls; what a link gives as a value, the server checks.
    query: query as Query<HistoryPath>,
    // On other pages rows would move away under the reader.
    topics: isNewestFirst ? ["tasks", "runs"] : [],
  });

  const onTable: TableProps<Row>["onChange"] = (pagination, _filters, sorter, { action }) => {
    if (action === "paginate") return change({ page: String(pagination.current ?? 1) });
    const by = Array.isArray(sorter) ? sorter[0] : sorter;
    if (!by?.order) return change({ sort: "", order: "" });
    change({ sort: String(by.columnKey), order: by.order === "ascend" ? "ASC" : "DESC" });
  };

  return (
    <>
      <div className="bar">{children}</div>
      <div className="bar">
        <Total read={events.data} isSorted={filters.sort !== ""} isFiltered={Object.keys(given).length > 1} />
        <span className="history-actions">
          <Button icon={<ReloadOutlined aria-hidden />} onClick={() => void events.refetch()}>
            {t("refresh")}
          </Button>
          <CsvButton wish={{ path, filters: given, columns: csvColumns, timeColumn }} name={csvName} />
        </span>
      </div>
      <Loaded read={events}>
        {(data) => (
          <Table<Row>
            size="small"
            rowKey="id"
            columns={columns.map((column) => ({
              ...column,
              ...(column.key === filters.sort
                ? { sortOrder: filters.order === "ASC" ? ("ascend" as const) : ("descend" as const) }
                : { sortOrder: null }),
            }))}
            dataSource={(data as HistoryPage).rows as unknown as Row[]}
            onChange={onTable}
            pagination={{
              current: page,
              pageSize: ROWS,
              total: data.total,
              showSizeChanger: false,
              hideOnSinglePage: true,
            }}
            scroll={{ x: "max-content" }}
            locale={{
              emptyText: (
                <Nothing text={t("none")}>
                  <p className="calm">{t("none_hint")}</p>
                </Nothing>
              ),
            }}
          />
        )}
      </Loaded>
    </>
  );
}

function Total({
  read,
  isSorted,
  isFiltered,
}: {
  read: HistoryPage | undefined;
  isSorted: boolean;
  isFiltered: boolean;
}) {
  const t = useWords();
  const { number } = useAmounts();
  if (read === undefined) return null;
  const { total } = read;
  const text =
    isSorted && total === SORTED
      ? t("rows_sorted", { count: number(total) })
      : isFiltered && COUNTED.has(total)
        ? t("rows_at_least", { count: number(total) })
        : t("rows", { count: total, shown: number(total) });
  return (
    <span role="status" className="calm">
      {text}
    </span>
  );
}

/** A text of any length: its beginning, and all of it when asked. */
export function LongText({ text, bad = false }: { text: string | null; bad?: boolean }) {
  if (!text) return <span aria-hidden="true">–</span>;
  const first = text.split("\n", 1)[0] ?? "";
  const short = first.length > 160 ? `${first.slice(0, 160)}…` : first;
  const look = bad ? "history-long bad" : "history-long";
  if (short === text) return <span className={look}>{text}</span>;
  return (
    <details className={look}>
      <summary>{short}</summary>
      <pre className="history-whole mono">{text}</pre>
    </details>
  );
}

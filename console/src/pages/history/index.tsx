import { Button, Tabs } from "antd";
import { useFilters } from "@/parts/lists/filters";
import { Page } from "@/parts/page";
import { RANGE_DEFAULTS, RangeFilter } from "@/parts/range/range";
import { SavedViews } from "@/parts/views";
import { Executions } from "./executions";
import { Failures } from "./failures";
import "./history.css";
import { Traces } from "./traces";
import { useWords } from "./words";

export const DEFAULTS = {
  tab: "",
  ...RANGE_DEFAULTS,
  jobName: "",
  taskId: "",
  ip: "",
  isSuccess: "",
  slaveId: "",
  source: "",
  executionType: "",
  state: "",
  appName: "",
  sort: "",
  order: "",
  page: "1",
};

export type Filters = typeof DEFAULTS;
export type Change = (changed: Partial<Filters>) => void;

export default function HistoryPage() {
  const t = useWords();
  const [filters, change] = useFilters(DEFAULTS);
  const tab = filters.tab === "traces" || filters.tab === "failures" ? filters.tab : "executions";
  const isFiltered = Object.keys(DEFAULTS).some(
    (name) =>
      name !== "tab" && name !== "page" && filters[name as keyof Filters] !== DEFAULTS[name as keyof Filters],
  );
  const bar = (
    <>
      <RangeFilter range={filters} onChange={change} />
      {isFiltered ? (
        <Button type="link" onClick={() => change({ ...DEFAULTS, tab: filters.tab })}>
          {t("clear")}
        </Button>
      ) : null}
    </>
  );
  return (
    <Page title={t("title")} actions={<SavedViews />}>
      <Tabs
        activeKey={tab}
        destroyOnHidden
        // What one table is filtered or sorted by the other may not have.
        onChange={(key) =>
          change({
            ...DEFAULTS,
            since: filters.since,
            from: filters.from,
            to: filters.to,
            jobName: filters.jobName,
            tab: key === "executions" ? "" : key,
          })
        }
        items={[
          {
            key: "executions",
            label: t("executions"),
            children: <Executions filters={filters} change={change} bar={bar} />,
          },
          {
            key: "traces",
            label: t("traces"),
            children: <Traces filters={filters} change={change} bar={bar} />,
          },
          {
            key: "failures",
            label: t("failures"),
            children: <Failures filters={filters} change={change} bar={bar} />,
          },
        ]}
      />
    </Page>
  );
}

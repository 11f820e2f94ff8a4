import "./tasks.css";
import { Tabs } from "antd";
import { useFilters } from "@/parts/lists/filters";
import { Page } from "@/parts/page";
import { SavedViews } from "@/parts/views";
import { FailoverTasks } from "./failover";
import { ReadyJobs } from "./ready";
import { RunningTasks } from "./running";
import { useWords } from "./words";

const DEFAULTS = { tab: "running", jobName: "", agentId: "", page: "1" };

export default function TasksPage() {
  const t = useWords();
  const [{ tab }, setFilters] = useFilters(DEFAULTS);
  return (
    <Page title={t("title")} actions={<SavedViews />}>
      <Tabs
        activeKey={tab}
        onChange={(key) => setFilters({ tab: key, jobName: "", agentId: "" })}
        destroyOnHidden
        items={[
          { key: "running", label: t("running"), children: <RunningTasks /> },
          { key: "ready", label: t("ready"), children: <ReadyJobs /> },
          { key: "failover", label: t("failover"), children: <FailoverTasks /> },
        ]}
      />
    </Page>
  );
}

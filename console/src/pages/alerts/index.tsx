import "./alerts.css";
import { useNavigate } from "@tanstack/react-router";
import { Tabs } from "antd";
import { useFilters } from "@/parts/lists/filters";
import { Page } from "@/parts/page";
import { SavedViews } from "@/parts/views";
import { Channels } from "./channels";
import { Deliveries } from "./deliveries";
import { Events } from "./events";
import { Rules } from "./rules";
import { Silences } from "./silences";
import { useWords } from "./words";

const FIRST = "firing";
const DEFAULTS = { tab: FIRST };

export default function AlertsPage() {
  const t = useWords();
  const navigate = useNavigate();
  const [{ tab }] = useFilters(DEFAULTS);
  // What one tab is filtered by says nothing to the others.
  const go = (next: string): void =>
    void navigate({ to: "/alerts", search: next === FIRST ? {} : { tab: next } });
  return (
    <Page title={t("title")} actions={<SavedViews />}>
      <Tabs
        activeKey={tab}
        onChange={go}
        destroyOnHidden
        items={[
          { key: FIRST, label: t("firing"), children: <Events /> },
          { key: "rules", label: t("rules"), children: <Rules /> },
          { key: "channels", label: t("channels"), children: <Channels /> },
          { key: "silences", label: t("silences"), children: <Silences /> },
          { key: "deliveries", label: t("deliveries"), children: <Deliveries /> },
        ]}
      />
    </Page>
  );
}

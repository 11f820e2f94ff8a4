import { Link } from "@tanstack/react-router";
import { Table } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { LinkButton } from "@/parts/link-button";
import { AppLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { TypedInput } from "@/parts/lists/typed-input";
import { Loaded, Nothing, Page } from "@/parts/page";
import { Enabled } from "@/parts/states";
import { SavedViews } from "@/parts/views";
import "./apps.css";
import { useWords } from "./words";

type AppRow = Answer<"/api/app/list">[number];

const DEFAULTS = { search: "" };
const PAGE_ROWS = 50;

export default function AppsPage() {
  const t = useWords();
  const [{ search }, setFilters] = useFilters(DEFAULTS);
  const read = useRead("/api/app/list", { topics: ["apps"] });
  const mayAct = useMayAct();
  const publish = mayAct ? (
    <LinkButton to="/apps/new" type="primary">
      {t("publish")}
    </LinkButton>
  ) : null;
  return (
    <Page
      title={t("title")}
      actions={
        <>
          <SavedViews />
          {publish}
        </>
      }
    >
      <Loaded read={read}>
        {(apps) => {
          const seen = apps.filter((app) => app.appName.includes(search) || app.appURL.includes(search));
          return (
            <>
              <div className="bar">
                <TypedInput
                  className="apps-search"
                  aria-label={t("search")}
                  placeholder={t("search")}
                  value={search}
                  onChange={(text) => setFilters({ search: text })}
                />
                <span className="calm">{t("count", { count: seen.length })}</span>
              </div>
              <Table<AppRow>
                size="small"
                rowKey="appName"
                dataSource={seen}
                scroll={{ x: "max-content" }}
                pagination={{ pageSize: PAGE_ROWS, hideOnSinglePage: true, showSizeChanger: false }}
                locale={{ emptyText: <Nothing text={apps.length > 0 ? t("none_found") : t("none")} /> }}
                columns={[
                  { title: t("name"), render: (_, app) => <AppLink name={app.appName} /> },
                  { title: t("state"), render: (_, app) => <Enabled isEnabled={!app.disabled} /> },
                  {
                    title: t("jobs"),
                    render: (_, app) => (
                      <Link to="/jobs" search={{ appName: app.appName }}>
                        {t("jobs")}
                      </Link>
                    ),
                  },
                  { title: t("url"), render: (_, app) => <span className="id">{app.appURL}</span> },
                  { title: t("cpu"), align: "right", dataIndex: "cpuCount" },
                  { title: t("memory"), align: "right", dataIndex: "memoryMB" },
                ]}
              />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

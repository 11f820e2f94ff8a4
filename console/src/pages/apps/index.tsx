import { Link } from "@tanstack/react-router";
import { Input, Table } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useFilters } from "@/parts/filters";
import { LinkButton } from "@/parts/link-button";
import { AppLink } from "@/parts/links";
import { Loaded, Nothing, Page } from "@/parts/page";
import { Enabled } from "@/parts/states";
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
    <Page title={t("title")} actions={publish}>
      <Loaded read={read}>
        {(apps) => {
          const seen = apps.filter((app) => app.appName.includes(search) || app.appURL.includes(search));
          return (
            <>
              <div className="bar">
                <Input.Search
                  allowClear
                  aria-label={t("search")}
                  placeholder={t("search")}
                  defaultValue={search}
                  onSearch={(text) => setFilters({ search: text })}
                  className="apps-search"
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

import {
  AlertOutlined,
  ApiOutlined,
  AppstoreOutlined,
  CloudServerOutlined,
  ClusterOutlined,
  DashboardOutlined,
  HistoryOutlined,
  PlayCircleOutlined,
  ScheduleOutlined,
  UnorderedListOutlined,
} from "@ant-design/icons";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Layout, Menu } from "antd";
import { type ReactNode, useEffect } from "react";
import { ApiError, callUrl } from "@/api/client";
import { useMe } from "@/api/session";
import { Problem } from "@/parts/page";
import { Banners } from "./banners";
import { Choices } from "./choices";
import { OpenAlerts } from "./open-alerts";
import { Search } from "./search";
import { useIsDark } from "./theme";
import { useWords } from "./words";

const PLACES: readonly [string, Parameters<ReturnType<typeof useWords>>[0], ReactNode][] = [
  ["/", "overview", <DashboardOutlined key="i" aria-hidden />],
  ["/jobs", "jobs", <ScheduleOutlined key="i" aria-hidden />],
  ["/apps", "apps", <AppstoreOutlined key="i" aria-hidden />],
  ["/runs", "runs", <PlayCircleOutlined key="i" aria-hidden />],
  ["/tasks", "tasks", <UnorderedListOutlined key="i" aria-hidden />],
  ["/history", "history", <HistoryOutlined key="i" aria-hidden />],
  ["/agents", "agents", <CloudServerOutlined key="i" aria-hidden />],
  ["/schedulers", "schedulers", <ClusterOutlined key="i" aria-hidden />],
  ["/alerts", "alerts", <AlertOutlined key="i" aria-hidden />],
];

/** All pages but the login: who is not logged in is sent there, and comes back. */
export function Shell() {
  const me = useMe();
  const isOut = me.error instanceof ApiError && me.error.status === 401;
  useLoginWhenOut(isOut);
  if (isOut) return null;
  if (me.error && me.data === undefined) {
    return (
      <main className="alone">
        <h1>ElasticJob-Cloud</h1>
        <Problem error={me.error} retry={() => void me.refetch()} />
      </main>
    );
  }
  if (me.data === undefined) return null;
  return <Frame />;
}

function useLoginWhenOut(isOut: boolean): void {
  const navigate = useNavigate();
  const location = useLocation();
  useEffect(() => {
    // On its way to the login the address changes before this frame goes: that is not the page that was asked for.
    if (!isOut || location.pathname === "/login") return;
    void navigate({ to: "/login", search: { next: location.href }, replace: true });
  }, [isOut, navigate, location.href, location.pathname]);
}

function Frame() {
  const t = useWords();
  const isDark = useIsDark();
  const { pathname } = useLocation();
  const here = PLACES.find(
    ([path]) => path !== "/" && (pathname === path || pathname.startsWith(`${path}/`)),
  );
  return (
    <Layout className={isDark ? "frame dark" : "frame light"}>
      <button type="button" className="skip" onClick={skipToContent}>
        {t("skip")}
      </button>
      <Layout.Sider theme="light" breakpoint="lg" collapsedWidth={56} width={184} className="side">
        <Link to="/" className="brand" aria-label="ElasticJob-Cloud">
          <img src="./icon.svg" alt="" width={24} height={24} />
          <span className="brand-name">ElasticJob-Cloud</span>
        </Link>
        <nav aria-label={t("navigation")}>
          <Menu
            theme="light"
            mode="inline"
            selectedKeys={here ? [here[0]] : pathname === "/" ? ["/"] : []}
            items={[
              ...PLACES.map(([path, word, icon]) => ({
                key: path,
                icon,
                title: t(word),
                label: (
                  <Link to={path}>
                    {t(word)}
                    {path === "/alerts" ? <OpenAlerts /> : null}
                  </Link>
                ),
              })),
              {
                key: "api",
                icon: <ApiOutlined aria-hidden />,
                title: t("api"),
                label: <a href={callUrl("/api/docs")}>{t("api")}</a>,
              },
            ]}
          />
        </nav>
      </Layout.Sider>
      <Layout>
        <Layout.Header className="top">
          <Search />
          <Choices />
        </Layout.Header>
        <Banners />
        <Layout.Content id="content" role="main" tabIndex={-1} className="content">
          <Outlet />
        </Layout.Content>
      </Layout>
    </Layout>
  );
}

function skipToContent(): void {
  document.getElementById("content")?.focus();
}

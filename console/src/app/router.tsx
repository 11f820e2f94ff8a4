import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouteComponent,
} from "@tanstack/react-router";
import { baseUrl } from "@/api/client";
import { Broken, NoSuchPage } from "./refusals";
import { Shell } from "./shell";

type Search = Record<string, string>;

const root = createRootRoute({ component: Outlet, notFoundComponent: NoSuchPage });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

function page<P extends string>(path: P, load: () => Promise<{ default: RouteComponent }>) {
  return createRoute({
    getParentRoute: () => shell,
    path,
    component: lazyRouteComponent(load),
    validateSearch: (search: Record<string, unknown>): Search => search as Search,
  });
}

// The addresses are fixed: messages of alerts and people's notes lead to them (docs/console.md).
const pages = [
  page("/", () => import("@/pages/overview")),
  page("/jobs", () => import("@/pages/jobs")),
  page("/jobs/new", () => import("@/pages/job-form")),
  page("/jobs/$jobName", () => import("@/pages/job")),
  page("/jobs/$jobName/$tab", () => import("@/pages/job")),
  page("/apps", () => import("@/pages/apps")),
  page("/apps/new", () => import("@/pages/app-form")),
  page("/apps/$appName", () => import("@/pages/app")),
  page("/runs", () => import("@/pages/runs")),
  page("/runs/$runId", () => import("@/pages/run")),
  page("/tasks", () => import("@/pages/tasks")),
  page("/tasks/$taskId", () => import("@/pages/task")),
  page("/history", () => import("@/pages/history")),
  page("/agents", () => import("@/pages/agents")),
  page("/agents/$agentId", () => import("@/pages/agent")),
  page("/schedulers", () => import("@/pages/schedulers")),
  page("/alerts", () => import("@/pages/alerts")),
  page("/me", () => import("@/pages/me")),
] as const;

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: lazyRouteComponent(() => import("@/pages/login")),
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
});

export const router = createRouter({
  routeTree: root.addChildren([shell.addChildren([...pages]), login]),
  basepath: baseUrl().pathname,
  // Plain words in the address, not JSON: `?state=FAILED`.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const text = new URLSearchParams(search as Search).toString();
    return text ? `?${text}` : "";
  },
  defaultNotFoundComponent: NoSuchPage,
  defaultErrorComponent: Broken,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

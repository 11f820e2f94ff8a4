import { type NavigateOptions, useNavigate } from "@tanstack/react-router";
import { Input, type InputRef, Modal } from "antd";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useWords as usePaletteWords } from "./palette-words";
import "./palette.css";
import { useWords } from "./words";

interface Found {
  kind: "page" | "job" | "app" | "agent" | "run" | "task";
  name: string;
  to: string;
  params?: Record<string, string>;
}

const PAUSE_MS = 200;
const EACH = 6;
const PAGES = [
  ["/", "overview"],
  ["/jobs", "jobs"],
  ["/apps", "apps"],
  ["/runs", "runs"],
  ["/tasks", "tasks"],
  ["/history", "history"],
  ["/agents", "agents"],
  ["/schedulers", "schedulers"],
  ["/alerts", "alerts"],
  ["/me", "me"],
] as const;

/** Finds pages, jobs, apps, agents, and a run or task by its id. Works by keyboard alone. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const t = usePaletteWords();
  const navigate = useNavigate();
  const list = useId();
  const input = useRef<InputRef>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = useFound(text.trim());
  const at = Math.min(chosen, found.length - 1);

  function open(choice: Found | undefined): void {
    if (choice === undefined) return;
    onClose();
    // Each place above was written with the parameters of its own route.
    void navigate({ to: choice.to, params: choice.params ?? {} } as unknown as NavigateOptions);
  }

  function onKey(event: KeyboardEvent): void {
    // Enter that ends the choice of a Chinese character opens nothing.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") setChosen((at + 1) % Math.max(1, found.length));
    else if (event.key === "ArrowUp") setChosen((at - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter") open(found[at]);
    else return;
    event.preventDefault();
  }

  return (
    <Modal
      open
      title={t("title")}
      footer={null}
      onCancel={onClose}
      width={640}
      // The dialog takes the focus when it opens.
      afterOpenChange={(isOpen) => isOpen && input.current?.focus()}
    >
      <Input
        ref={input}
        size="large"
        value={text}
        placeholder={t("hint")}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
        role="combobox"
        aria-label={t("title")}
        aria-expanded={found.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        {...(found.length > 0 ? { "aria-activedescendant": `${list}-${at}` } : {})}
      />
      <div id={list} role="listbox" aria-label={t("results")} className="palette-list">
        {found.map((each, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
          <div
            key={`${each.kind} ${each.name}`}
            id={`${list}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className="palette-option"
            onClick={() => open(each)}
            onMouseMove={() => setChosen(index)}
            ref={index === at ? keepInView : null}
          >
            <span className="palette-kind">{t(each.kind)}</span>
            <span className="palette-name">{each.name}</span>
          </div>
        ))}
      </div>
      <p role="status" className="calm palette-foot">
        {found.length === 0 ? t("nothing") : t("found", { count: found.length })} · {t("keys")}
      </p>
    </Modal>
  );
}

function keepInView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}

function useFound(text: string): Found[] {
  const t = useWords();
  const p = usePaletteWords();
  const mayAct = useMayAct();
  const asked = usePaused(text);
  const isAsked = asked !== "";
  const jobs = useRead("/api/job/jobs", {
    query: { search: asked, page: 1, per_page: EACH },
    topics: [],
    enabled: isAsked,
    keepPrevious: false,
  });
  const apps = useRead("/api/app/list", { topics: [], enabled: isAsked });
  const agents = useRead("/api/operate/agents", { topics: [], enabled: isAsked });
  const part = text.toLowerCase();
  const has = (name: string): boolean => name.toLowerCase().includes(part);
  const found: Found[] = [];
  if (/^\d+$/.test(text)) {
    found.push({ kind: "run", name: text, to: "/runs/$runId", params: { runId: text } });
  }
  if (text.includes("@-@")) {
    found.push({ kind: "task", name: text, to: "/tasks/$taskId", params: { taskId: text } });
  }
  for (const [to, word] of PAGES) {
    if (has(t(word)) || has(to)) found.push({ kind: "page", name: t(word), to });
  }
  if (mayAct && has(p("new_job"))) found.push({ kind: "page", name: p("new_job"), to: "/jobs/new" });
  if (mayAct && has(p("new_app"))) found.push({ kind: "page", name: p("new_app"), to: "/apps/new" });
  if (text === "") return found;
  const jobRows = isAsked && jobs.data && "rows" in jobs.data ? jobs.data.rows : [];
  for (const { jobName } of jobRows) {
    const isNew = jobName === "new";
    found.push({
      kind: "job",
      name: jobName,
      to: isNew ? "/jobs/$jobName/$tab" : "/jobs/$jobName",
      params: isNew ? { jobName, tab: "runs" } : { jobName },
    });
  }
  const appNames = (apps.data ?? []).map(({ appName }) => appName).filter(has);
  for (const appName of appNames.slice(0, EACH)) {
    found.push({ kind: "app", name: appName, to: "/apps/$appName", params: { appName } });
  }
  const here = (agents.data ?? []).filter((agent) => has(agent.id) || has(agent.hostname));
  for (const { id } of here.slice(0, EACH)) {
    found.push({ kind: "agent", name: id, to: "/agents/$agentId", params: { agentId: id } });
  }
  return found;
}

/** The text once typing has paused: the server is not asked at each letter. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState("");
  useEffect(() => {
    const timer = window.setTimeout(() => setPaused(text), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return paused;
}

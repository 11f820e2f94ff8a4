import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** A job called `new` has its page below the one that makes a new job. */
export function JobLink({ name, children }: { name: string; children?: ReactNode }) {
  if (name === "new") {
    return (
      <Link to="/jobs/$jobName/$tab" params={{ jobName: name, tab: "runs" }}>
        {children ?? name}
      </Link>
    );
  }
  return (
    <Link to="/jobs/$jobName" params={{ jobName: name }}>
      {children ?? name}
    </Link>
  );
}

export function AppLink({ name }: { name: string }) {
  return (
    <Link to="/apps/$appName" params={{ appName: name }}>
      {name}
    </Link>
  );
}

export function RunLink({ id, children }: { id: number; children?: ReactNode }) {
  return (
    <Link to="/runs/$runId" params={{ runId: String(id) }}>
      {children ?? id}
    </Link>
  );
}

export function TaskLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/tasks/$taskId" params={{ taskId: id }} className="id">
      {children ?? id}
    </Link>
  );
}

/** An agent's id is shown whole: it is what people search logs for. */
export function AgentLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link to="/agents/$agentId" params={{ agentId: id }} className="id">
      {children ?? id}
    </Link>
  );
}

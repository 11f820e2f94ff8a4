import { Link, useParams } from "@tanstack/react-router";
import { Descriptions } from "antd";
import { useRead } from "@/api/live";
import { LinkButton } from "@/parts/link-button";
import { Loaded, Nothing, Page } from "@/parts/page";
import { Apps } from "../agents";
import { WouldFit } from "../agents/fit";
import { type Agent, CpuRoom, DiskRoom, LastSeen, MemoryRoom, Taking } from "../agents/room";
import "../agents/agents.css";
import { useWords as useAgentsWords } from "../agents/words";
import "./agent.css";
import { Sandboxes } from "./sandboxes";
import { TasksHere } from "./tasks";
import { useWords } from "./words";

export default function AgentPage() {
  const t = useWords();
  const { agentId = "" } = useParams({ strict: false });
  const agents = useRead("/api/operate/agents", { topics: ["agents", "tasks"] });
  const agent = agents.data?.find((each) => each.id === agentId);
  return (
    <Page
      title={t("title", { id: agentId })}
      heading={
        <>
          {t("agent")} <span className="id agent-id">{agentId}</span>
        </>
      }
      actions={<LinkButton to="/agents">{t("all")}</LinkButton>}
    >
      <Loaded read={agents}>
        {(rows) => (agent ? <Known agent={agent} agents={rows} /> : <Gone agentId={agentId} />)}
      </Loaded>
    </Page>
  );
}

function Gone({ agentId }: { agentId: string }) {
  const t = useWords();
  return (
    <div className="panel">
      <Nothing text={t("gone")}>
        <p>{t("gone_hint")}</p>
        <Link to="/history" search={{ tab: "traces", slaveId: agentId }}>
          {t("history")}
        </Link>
      </Nothing>
    </div>
  );
}

function Known({ agent, agents }: { agent: Agent; agents: readonly Agent[] }) {
  const t = useWords();
  const a = useAgentsWords();
  return (
    <>
      <div className="panel">
        <Descriptions
          size="small"
          column={{ xs: 1, md: 2, xl: 3 }}
          items={[
            { key: "host", label: a("host"), children: agent.hostname },
            { key: "ip", label: a("ip"), children: <span className="mono">{agent.ip}</span> },
            { key: "state", label: a("state"), children: <Taking agent={agent} /> },
            { key: "cpu", label: a("cpu"), children: <CpuRoom agent={agent} /> },
            { key: "memory", label: a("memory"), children: <MemoryRoom agent={agent} /> },
            { key: "disk", label: a("disk"), children: <DiskRoom agent={agent} /> },
            { key: "seen", label: a("last_seen"), children: <LastSeen agent={agent} /> },
            { key: "tasks", label: a("tasks"), children: agent.taskCount },
            { key: "apps", label: a("executors"), children: <Apps names={agent.executors} /> },
          ]}
        />
        <Link to="/history" search={{ tab: "traces", slaveId: agent.id }}>
          {t("history")}
        </Link>
      </div>
      <TasksHere agent={agent} />
      <Sandboxes agent={agent} />
      <WouldFit agents={agents} here={agent.id} />
    </>
  );
}

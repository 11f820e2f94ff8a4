import { Input, Table, type TableColumnsType, Tooltip } from "antd";
import { useRead } from "@/api/live";
import { useAmounts } from "@/parts/amounts";
import { AgentLink, AppLink } from "@/parts/links";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing, Page } from "@/parts/page";
import { epochOf } from "@/parts/time/time";
import "./agents.css";
import { WouldFit } from "./fit";
import { type Agent, CpuRoom, DiskRoom, LastSeen, MemoryRoom, Taking } from "./room";
import { useWords } from "./words";

const DEFAULTS = { search: "" };

export default function AgentsPage() {
  const t = useWords();
  const agents = useRead("/api/operate/agents", { topics: ["agents", "tasks"] });
  return (
    <Page title={t("title")}>
      <Loaded read={agents}>
        {(rows) =>
          rows.length === 0 ? (
            <NoAgent />
          ) : (
            <>
              <Agents rows={rows} />
              <WouldFit agents={rows} />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

export function NoAgent() {
  const t = useWords();
  return (
    <div className="panel">
      <Nothing text={t("none")}>
        <p>{t("none_hint")}</p>
        <p>
          <code className="mono">ray start --address=HEAD:6379 --num-cpus=4</code>
        </p>
        <p className="calm">{t("wait")}</p>
      </Nothing>
    </div>
  );
}

function Agents({ rows }: { rows: readonly Agent[] }) {
  const t = useWords();
  const { cpus, mebibytes } = useAmounts();
  const [{ search }, change] = useFilters(DEFAULTS);
  const sum = (of: (agent: Agent) => number): number => rows.reduce((total, agent) => total + of(agent), 0);
  return (
    <>
      <div className="bar">
        <Input.Search
          className="agents-search"
          aria-label={t("search")}
          placeholder={t("search")}
          allowClear
          value={search}
          onChange={(event) => change({ search: event.target.value })}
        />
        <span className="calm">
          {t("total", {
            count: rows.length,
            cpu: cpus(sum((agent) => agent.cpusTotal)),
            memory: mebibytes(sum((agent) => agent.memoryMBTotal)),
          })}
        </span>
      </div>
      <Table<Agent>
        size="small"
        className="block"
        rowKey="id"
        columns={useColumns()}
        dataSource={rows.filter((agent) => matches(agent, search))}
        pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
        scroll={{ x: "max-content" }}
        locale={{ emptyText: <Nothing text={t("none_found")} /> }}
      />
    </>
  );
}

function matches(agent: Agent, search: string): boolean {
  const part = search.trim().toLowerCase();
  return [agent.id, agent.hostname, agent.ip, ...agent.executors].some((text) =>
    text.toLowerCase().includes(part),
  );
}

function useColumns(): TableColumnsType<Agent> {
  const t = useWords();
  return [
    {
      title: t("id"),
      dataIndex: "id",
      sorter: (one, other) => one.id.localeCompare(other.id),
      render: (id: string) => <AgentLink id={id} />,
    },
    {
      title: t("host"),
      dataIndex: "hostname",
      sorter: (one, other) => one.hostname.localeCompare(other.hostname),
    },
    { title: t("ip"), dataIndex: "ip", render: (ip: string) => <span className="mono">{ip}</span> },
    {
      title: t("cpu"),
      key: "cpu",
      sorter: (one, other) => one.cpusUsed / one.cpusTotal - other.cpusUsed / other.cpusTotal,
      render: (_, agent) => <CpuRoom agent={agent} />,
    },
    {
      title: t("memory"),
      key: "memory",
      sorter: (one, other) => one.memoryMBUsed / one.memoryMBTotal - other.memoryMBUsed / other.memoryMBTotal,
      render: (_, agent) => <MemoryRoom agent={agent} />,
    },
    { title: t("disk"), key: "disk", render: (_, agent) => <DiskRoom agent={agent} /> },
    {
      title: t("executors"),
      dataIndex: "executors",
      render: (names: string[]) => <Apps names={names} />,
    },
    {
      title: t("tasks"),
      dataIndex: "taskCount",
      align: "right",
      sorter: (one, other) => one.taskCount - other.taskCount,
    },
    {
      title: <Tooltip title={t("last_seen_hint")}>{t("last_seen")}</Tooltip>,
      key: "seen",
      sorter: (one, other) => (epochOf(one.lastSeen) ?? 0) - (epochOf(other.lastSeen) ?? 0),
      render: (_, agent) => <LastSeen agent={agent} />,
    },
    { title: t("state"), key: "state", render: (_, agent) => <Taking agent={agent} /> },
  ];
}

export function Apps({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span aria-hidden="true">–</span>;
  return names.map((name, index) => (
    <span key={name}>
      {index > 0 ? ", " : ""}
      <AppLink name={name} />
    </span>
  ));
}

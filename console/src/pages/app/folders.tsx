import { Table } from "antd";
import type { Answer } from "@/api/client";
import { useRead } from "@/api/live";
import { AgentLink } from "@/parts/links";
import { shownBytes } from "@/parts/log/bytes";
import { Loaded, Nothing } from "@/parts/page";
import { useWords } from "./words";

type Folder = Answer<"/api/operate/sandbox">[number];

/** Where the agents keep the app's files. */
export function AppFolders({ appName }: { appName: string }) {
  const t = useWords();
  const read = useRead("/api/operate/sandbox", { query: { appName }, topics: ["apps", "agents"] });
  return (
    <section className="panel">
      <h2>{t("folders")}</h2>
      <Loaded read={read}>
        {(folders) => (
          <Table<Folder>
            size="small"
            rowKey={(folder) => `${folder.agentId} ${folder.path}`}
            dataSource={folders}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Nothing text={t("no_folders")} /> }}
            columns={[
              { title: t("agent"), render: (_, folder) => <AgentLink id={folder.agentId} /> },
              { title: t("path"), render: (_, folder) => <span className="id">{folder.path}</span> },
              { title: t("size"), align: "right", render: (_, folder) => shownBytes(folder.sizeBytes) },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}

import { CopyOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { useRead } from "@/api/live";
import { useAmounts } from "@/parts/amounts";
import { copyText } from "@/parts/copy";
import { AppLink } from "@/parts/links";
import { Loaded } from "@/parts/page";
import type { Agent } from "../agents/room";
import { useWords } from "./words";

/** Where the files of the apps are whose executors run on an agent. */
export function Sandboxes({ agent }: { agent: Agent }) {
  const t = useWords();
  return (
    <section className="panel" aria-labelledby="sandboxes">
      <h2 id="sandboxes">{t("sandboxes")}</h2>
      {agent.executors.length === 0 ? (
        <p className="calm">{t("no_sandboxes")}</p>
      ) : (
        <>
          <p className="calm">{t("sandboxes_hint")}</p>
          {agent.executors.map((appName) => (
            <Sandbox key={appName} agentId={agent.id} appName={appName} />
          ))}
        </>
      )}
    </section>
  );
}

function Sandbox({ agentId, appName }: { agentId: string; appName: string }) {
  const t = useWords();
  const { bytes } = useAmounts();
  const { message } = App.useApp();
  const sandboxes = useRead("/api/operate/sandbox", { query: { appName }, topics: ["agents"] });
  async function copy(path: string): Promise<void> {
    await copyText(path);
    message.success(t("copied"));
  }
  return (
    <Loaded read={sandboxes}>
      {(rows) =>
        rows
          .filter((row) => row.agentId === agentId)
          .map((row) => (
            <p key={row.path}>
              <AppLink name={appName} /> <span className="mono agent-path">{row.path}</span>{" "}
              <span className="nowrap">{bytes(row.sizeBytes)}</span>{" "}
              <Button
                size="small"
                type="text"
                icon={<CopyOutlined aria-hidden />}
                aria-label={t("copy_path", { app: appName })}
                onClick={() => void copy(row.path)}
              />
            </p>
          ))
      }
    </Loaded>
  );
}

import { useNavigate } from "@tanstack/react-router";
import { Button, Descriptions } from "antd";
import { useLogout, useMe } from "@/api/session";
import { Loaded, Page } from "@/parts/page";
import { useWords } from "./words";

export default function MePage() {
  const t = useWords();
  const me = useMe();
  const logOut = useLogout();
  const navigate = useNavigate();

  async function leave(): Promise<void> {
    await logOut();
    await navigate({ to: "/login" });
  }

  return (
    <Page
      title={t("title")}
      actions={me.data?.login ? <Button onClick={() => void leave()}>{t("log_out")}</Button> : null}
    >
      <Loaded read={me}>
        {(data) => (
          <div className="panel">
            <Descriptions
              column={1}
              items={[
                { key: "user", label: t("user"), children: data.username || t("no_login") },
                { key: "role", label: t("role"), children: data.role === "admin" ? t("admin") : t("guest") },
                { key: "server", label: t("server"), children: data.hostname },
                { key: "version", label: t("version"), children: data.version },
                { key: "zone", label: t("zone"), children: data.schedulerZone },
              ]}
            />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

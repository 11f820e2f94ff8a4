import { Alert, Button } from "antd";
import { useRef } from "react";
import { useMe } from "@/api/session";
import { useLink } from "./link";
import { useWords } from "./words";

/** What holds for all pages: the link or the leader is lost, or this page is older than the server. */
export function Banners() {
  const t = useWords();
  const link = useLink();
  const version = useMe().data?.version;
  const first = useRef(version);
  first.current ??= version;
  return (
    <div aria-live="polite">
      {link === "lost" ? <Alert banner type="error" title={t("link_lost")} /> : null}
      {link === "leaderless" ? <Alert banner type="warning" title={t("leaderless")} /> : null}
      {version !== first.current ? (
        <Alert
          banner
          type="info"
          title={t("updated", { version: version ?? "" })}
          action={<Button onClick={() => window.location.reload()}>{t("reload")}</Button>}
        />
      ) : null}
    </div>
  );
}

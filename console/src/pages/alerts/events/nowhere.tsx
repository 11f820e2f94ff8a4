import { Link } from "@tanstack/react-router";
import { Alert } from "antd";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { useWords } from "./words";

/** Says that nobody is told of alerts, while there is no channel, or none that the rule for everything names. */
export function SentNowhere() {
  const t = useWords();
  const mayAct = useMayAct();
  const channels = useRead("/api/alert/channels", { topics: ["alerts"] }).data;
  const rules = useRead("/api/alert/rules", { query: { holdsFor: "global" }, topics: ["alerts"] }).data;
  if (channels === undefined || rules === undefined) return null;
  const hasChannel = channels.length > 0;
  if (hasChannel && (rules.global?.channels ?? []).length > 0) return null;
  return (
    <Alert
      className="block"
      type="info"
      showIcon
      title={hasChannel ? t("none_named") : t("no_channel")}
      action={
        mayAct ? (
          <Link
            to="/alerts"
            search={hasChannel ? { tab: "rules", scope: "global" } : { tab: "channels", edit: "+" }}
          >
            {hasChannel ? t("name_channel") : t("add_channel")}
          </Link>
        ) : null
      }
    />
  );
}

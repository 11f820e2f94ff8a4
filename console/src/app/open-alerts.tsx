import { useRead } from "@/api/live";
import { useWords } from "./words";

/** So many are counted; more are not asked for. */
const MOST = 50;

/** How many alerts are open, beside their place in the menu; nothing while all is well. */
export function OpenAlerts() {
  const t = useWords();
  const read = useRead("/api/alert/events", { query: { state: "OPEN", limit: MOST }, topics: ["alerts"] });
  const count = read.data?.rows.length ?? 0;
  if (count === 0) return null;
  const shown = read.data?.next ? `${count}+` : String(count);
  return (
    <span className="menu-count" title={t("open_alerts", { count: shown })}>
      <span aria-hidden="true">{shown}</span>
      <span className="off-screen">, {t("open_alerts", { count: shown })}</span>
    </span>
  );
}

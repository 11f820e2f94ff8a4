import { Button } from "antd";
import { useWords as usePartsWords } from "@/parts/words";

/** To the next page of a list that is read by cursors, and back to its beginning. */
export function Pages({
  cursor,
  next,
  onGo,
}: {
  cursor: string;
  next: string | null;
  onGo: (cursor: string) => void;
}) {
  const t = usePartsWords();
  if (cursor === "" && next === null) return null;
  return (
    <div className="bar alerts-pages">
      <Button size="small" disabled={cursor === ""} onClick={() => onGo("")}>
        {t("newest")}
      </Button>
      <Button size="small" disabled={next === null} onClick={() => onGo(next ?? "")}>
        {t("older")}
      </Button>
    </div>
  );
}

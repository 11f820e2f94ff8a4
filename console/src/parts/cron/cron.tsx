import { Tooltip } from "antd";
import { useCronWords } from "./describe";

/** A cron expression; what it means is in the tooltip, and is read out. */
export function Cron({ cron, zone = "" }: { cron: string; zone?: string }) {
  const words = useCronWords()(cron);
  if (!cron) return <span aria-hidden="true">–</span>;
  const said = zone ? `${words} (${zone})` : words;
  return (
    <Tooltip title={said}>
      <code className="mono nowrap">{cron}</code>
      {words ? <span className="off-screen"> {said}</span> : null}
    </Tooltip>
  );
}

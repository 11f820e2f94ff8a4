import "./meter.css";

/** How much of something is taken: in words, and as a bar that says the same. */
export function Meter({ used, total, text }: { used: number; total: number; text: string }) {
  const share = total > 0 ? Math.min(1, Math.max(0, used / total)) : 0;
  const look = share >= 0.95 ? "meter-full" : share >= 0.8 ? "meter-high" : "";
  return (
    <span className="meter">
      <span className="nowrap">{text}</span>
      <span aria-hidden="true" className="meter-track">
        <span className={`meter-fill ${look}`} style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}

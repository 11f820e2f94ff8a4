import { useWords as usePartsWords } from "../words";
import type { BarState } from "./layout";
import { useWords } from "./words";

export const SIGNS: Record<BarState, string> = {
  SUCCEEDED: "✓",
  FAILED: "✗",
  RUNNING: "▶",
  KILLED: "–",
  PLANNED: "◇",
};

/** The word for a bar's state. */
export function useStateWord(): (state: BarState) => string {
  const t = useWords();
  const parts = usePartsWords();
  return (state) => (state === "PLANNED" ? t("PLANNED") : parts(state));
}

export function Legend() {
  const word = useStateWord();
  return (
    <ul className="timeline-legend">
      {(Object.keys(SIGNS) as BarState[]).map((state) => (
        <li key={state}>
          <span aria-hidden="true" className="timeline-bar timeline-sample" data-state={state}>
            {SIGNS[state]}
          </span>{" "}
          {word(state)}
        </li>
      ))}
    </ul>
  );
}

import { useWords } from "./words";

export const UNITS: readonly [unit: "s" | "min" | "h" | "d", seconds: number][] = [
  ["s", 1],
  ["min", 60],
  ["h", 3600],
  ["d", 86_400],
];

/** The seconds of the largest unit in which a length is a whole number. */
export function unitOf(seconds: number | null | undefined): number {
  const fits = UNITS.filter(([, size]) => seconds && seconds % size === 0);
  return fits.at(-1)?.[1] ?? 1;
}

/** Words for a length that somebody has set: `25 h`, not about a day. */
export function useExactLength(): (seconds: number) => string {
  const t = useWords();
  return (seconds) => {
    const size = unitOf(seconds);
    const unit = UNITS.find(([, each]) => each === size)?.[0] ?? "s";
    return `${seconds / size} ${t(unit)}`;
  };
}

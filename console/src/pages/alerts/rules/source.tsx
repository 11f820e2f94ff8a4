import { useWords } from "./words";

/** Who says a value that is held: a farther rule, or nobody. */
export function useSource(): (from: string, own: string) => string {
  const t = useWords();
  return (from, own) => {
    if (from === "") return t("by_default");
    if (from === own) return t("by_this");
    return from === "global" ? t("by_global") : t("by_app", { name: from.slice("app:".length) });
  };
}

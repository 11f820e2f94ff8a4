import { AppLink, JobLink } from "@/parts/links";
import { useWords } from "./words";

export const GLOBAL = "global";

/** A scope in its two parts: what kind it is, and the name of its app or job. */
export function partsOf(scope: string): { kind: "global" | "app" | "job"; name: string } {
  if (scope.startsWith("app:")) return { kind: "app", name: scope.slice(4) };
  if (scope.startsWith("job:")) return { kind: "job", name: scope.slice(4) };
  return { kind: "global", name: "" };
}

export function useScopeName(): (scope: string) => string {
  const t = useWords();
  return (scope) => {
    const { kind, name } = partsOf(scope);
    return t(`of_${kind}`, { name });
  };
}

export function ScopeLink({ scope }: { scope: string }) {
  const t = useWords();
  const { kind, name } = partsOf(scope);
  if (kind === "global") return <>{t("of_global")}</>;
  return (
    <>
      <span className="calm">{t(kind)}</span>{" "}
      {kind === "app" ? <AppLink name={name} /> : <JobLink name={name} />}
    </>
  );
}

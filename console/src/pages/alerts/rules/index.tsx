import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { LinkButton } from "@/parts/link-button";
import { useFilters } from "@/parts/lists/filters";
import { Loaded } from "@/parts/page";
import { RuleEditor } from "./editor";
import { Holding } from "./holding";
import { RuleList } from "./list";
import { chainOf, type Rule } from "./rule";
import { ScopeLink } from "./scope";
import { useWords } from "./words";

const DEFAULTS = { scope: "" };

/** All rules, or the rule of one scope: `?tab=rules&scope=job:NAME`. */
export function Rules() {
  const [{ scope }, change] = useFilters(DEFAULTS);
  return scope === "" ? (
    <RuleList />
  ) : (
    <OneRule key={scope} scope={scope} onDone={() => change({ scope: "" })} />
  );
}

function OneRule({ scope, onDone }: { scope: string; onDone: () => void }) {
  const t = useWords();
  const mayAct = useMayAct();
  const read = useRead("/api/alert/rules", {
    query: { holdsFor: scope },
    topics: ["alerts", "apps", "jobs"],
    keepPrevious: false,
  });
  return (
    <>
      <div className="bar">
        <h2 className="alerts-scope">
          <ScopeLink scope={scope} />
        </h2>
        <LinkButton size="small" to="/alerts" search={{ tab: "rules" }} className="alerts-push">
          {t("all_rules")}
        </LinkButton>
      </div>
      <Loaded read={read}>
        {(rules) => {
          const chain = chainOf(rules as Record<string, Rule>);
          const farther = chain.filter(([each]) => each !== scope);
          return mayAct ? (
            <>
              <p className="calm">{t(scope === "global" ? "editor_hint_global" : "editor_hint")}</p>
              <RuleEditor scope={scope} stored={rules[scope]} farther={farther} onDone={onDone} />
            </>
          ) : (
            <section className="panel">
              <h2>{t("what_holds")}</h2>
              <Holding scope={scope} chain={chain} />
            </section>
          );
        }}
      </Loaded>
    </>
  );
}

import { DownOutlined, RightOutlined } from "@ant-design/icons";
import { useNavigate } from "@tanstack/react-router";
import { Button, Input, Table } from "antd";
import { useState } from "react";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { Action } from "@/parts/action";
import { LinkButton } from "@/parts/link-button";
import { useFilters } from "@/parts/lists/filters";
import { Loaded, Nothing } from "@/parts/page";
import { useCommonWords } from "../common/words";
import { Holding } from "./holding";
import { NewRule } from "./new-rule";
import { chainOf, type Rule } from "./rule";
import { Says } from "./says";
import { GLOBAL, ScopeLink, useScopeName } from "./scope";
import { useWords } from "./words";

const DEFAULTS = { search: "", cursor: "" };
const ROWS = 50;

interface Row {
  scope: string;
  rule: Rule;
}

/** The rule for everything, and those of apps and jobs with what they say. */
export function RuleList() {
  const t = useWords();
  const mayAct = useMayAct();
  const navigate = useNavigate();
  const [{ search, cursor }, change] = useFilters(DEFAULTS);
  const [isAdding, setIsAdding] = useState(false);
  const read = useRead("/api/alert/rules", {
    query: { search, after: cursor, limit: ROWS },
    topics: ["alerts", "apps", "jobs"],
  });
  return (
    <>
      <GlobalRule mayAct={mayAct} />
      <section className="panel">
        <h2>{t("of_apps_and_jobs")}</h2>
        <div className="bar">
          <Input.Search
            allowClear
            className="alerts-search"
            aria-label={t("search")}
            placeholder={t("search")}
            defaultValue={search}
            onSearch={(text) => change({ search: text.trim() })}
          />
          {mayAct ? (
            <Button type="primary" className="alerts-push" onClick={() => setIsAdding(true)}>
              {t("new")}
            </Button>
          ) : null}
        </div>
        <Loaded read={read}>
          {(rules) => {
            const scopes = Object.keys(rules);
            const rows = scopes
              .filter((scope) => scope !== GLOBAL)
              .map((scope) => ({ scope, rule: rules[scope] as Rule }));
            return (
              <>
                <RuleTable rows={rows} mayAct={mayAct} isNarrowed={search !== ""} />
                {cursor !== "" || scopes.length === ROWS ? (
                  <div className="bar alerts-pages">
                    <Button size="small" disabled={cursor === ""} onClick={() => change({ cursor: "" })}>
                      {t("first_page")}
                    </Button>
                    <Button
                      size="small"
                      disabled={scopes.length < ROWS}
                      onClick={() => change({ cursor: scopes.at(-1) ?? "" })}
                    >
                      {t("next_page")}
                    </Button>
                  </div>
                ) : null}
              </>
            );
          }}
        </Loaded>
      </section>
      {isAdding ? (
        <NewRule
          onClose={() => setIsAdding(false)}
          onChosen={(scope) => void navigate({ to: "/alerts", search: { tab: "rules", scope } })}
        />
      ) : null}
    </>
  );
}

function GlobalRule({ mayAct }: { mayAct: boolean }) {
  const t = useWords();
  const common = useCommonWords();
  const read = useRead("/api/alert/rules", { query: { holdsFor: GLOBAL }, topics: ["alerts"] });
  return (
    <section className="panel">
      <div className="bar">
        <h2 className="alerts-scope">{t("of_global")}</h2>
        <LinkButton
          size="small"
          className="alerts-push"
          to="/alerts"
          search={{ tab: "rules", scope: GLOBAL }}
          aria-label={`${mayAct ? common("edit") : t("show")}: ${t("of_global")}`}
        >
          {mayAct ? common("edit") : t("show")}
        </LinkButton>
      </div>
      <Loaded read={read}>
        {(rules) => {
          const rule = rules[GLOBAL] as Rule | undefined;
          return rule && Object.keys(rule).length > 0 ? (
            <Says rule={rule} />
          ) : (
            <p className="calm">{t("no_global")}</p>
          );
        }}
      </Loaded>
    </section>
  );
}

function RuleTable({
  rows,
  mayAct,
  isNarrowed,
}: {
  rows: readonly Row[];
  mayAct: boolean;
  isNarrowed: boolean;
}) {
  const t = useWords();
  const common = useCommonWords();
  const nameOf = useScopeName();
  return (
    <Table<Row>
      size="small"
      rowKey="scope"
      dataSource={rows}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: <Nothing text={isNarrowed ? t("none_match") : t("none_set")} /> }}
      expandable={{
        columnTitle: <span className="off-screen">{t("what_holds")}</span>,
        expandedRowRender: ({ scope }) => <HoldingFor scope={scope} />,
        expandIcon: ({ expanded, onExpand, record }) => (
          <Button
            size="small"
            type="text"
            icon={expanded ? <DownOutlined aria-hidden /> : <RightOutlined aria-hidden />}
            aria-expanded={expanded}
            aria-label={t("what_holds_for", { scope: nameOf(record.scope) })}
            onClick={(event) => onExpand(record, event)}
          />
        ),
      }}
      columns={[
        { key: "scope", title: t("for_what"), render: (_, { scope }) => <ScopeLink scope={scope} /> },
        { key: "says", title: t("says"), render: (_, { rule }) => <Says rule={rule} /> },
        {
          key: "actions",
          title: <span className="off-screen">{t("actions")}</span>,
          render: (_, { scope }) => (
            <div className="alerts-actions">
              <LinkButton size="small" to="/alerts" search={{ tab: "rules", scope }}>
                {mayAct ? common("edit") : t("show")}
              </LinkButton>
              <Action
                name={common("delete")}
                size="small"
                danger
                question={t("delete_question", { scope: nameOf(scope) })}
                command={{
                  method: "DELETE",
                  path: "/api/alert/rules/{scope}",
                  options: { path: { scope } },
                }}
                done={t("deleted")}
              />
            </div>
          ),
        },
      ]}
    />
  );
}

function HoldingFor({ scope }: { scope: string }) {
  const read = useRead("/api/alert/rules", {
    query: { holdsFor: scope },
    topics: ["alerts", "apps", "jobs"],
    keepPrevious: false,
  });
  return (
    <Loaded read={read}>
      {(rules) => <Holding scope={scope} chain={chainOf(rules as Record<string, Rule>)} />}
    </Loaded>
  );
}

import { Link, useLocation } from "@tanstack/react-router";
import { Alert, Button } from "antd";
import { Nothing, Page } from "@/parts/page";
import { useWords } from "./words";

export function NoSuchPage() {
  const t = useWords();
  const { pathname } = useLocation();
  return (
    <main className="alone">
      <Page title={t("no_such_page")}>
        <Nothing text={t("no_such_page_hint", { path: pathname })}>
          <Link to="/">{t("to_overview")}</Link>
        </Nothing>
      </Page>
    </main>
  );
}

export function Broken({ error }: { error: unknown }) {
  const t = useWords();
  return (
    <Page title={t("broken")}>
      <Alert
        type="error"
        title={error instanceof Error ? error.message : String(error)}
        description={t("broken_hint")}
        action={<Button onClick={() => window.location.reload()}>{t("reload")}</Button>}
      />
    </Page>
  );
}

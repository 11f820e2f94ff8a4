import { useLocation, useRouter } from "@tanstack/react-router";
import { Alert, Button, Form, Input } from "antd";
import { useState } from "react";
import { useLogin } from "@/api/session";
import { LanguageMenu, ThemeMenu } from "@/app/choices";
import { Page } from "@/parts/page";
import { useWords } from "./words";

interface Fields {
  username: string;
  password: string;
}

export default function LoginPage() {
  const t = useWords();
  const login = useLogin();
  const router = useRouter();
  const next = useLocation({ select: (location) => (location.search as { next?: string }).next });
  const [problem, setProblem] = useState("");
  const [isBusy, setIsBusy] = useState(false);

  async function enter({ username, password }: Fields): Promise<void> {
    setIsBusy(true);
    setProblem("");
    try {
      await login(username, password);
      router.history.push(`${router.basepath.replace(/\/$/, "")}${inside(next)}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <main className="alone">
      <Page title={t("log_in")} heading="ElasticJob-Cloud">
        {problem ? <Alert type="error" showIcon title={problem} className="block" /> : null}
        <Form<Fields> layout="vertical" onFinish={(fields) => void enter(fields)} requiredMark={false}>
          <Form.Item name="username" label={t("username")} rules={[{ required: true, message: t("needed") }]}>
            <Input autoFocus autoComplete="username" />
          </Form.Item>
          <Form.Item name="password" label={t("password")} rules={[{ required: true, message: t("needed") }]}>
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={isBusy}>
            {t("log_in")}
          </Button>
        </Form>
        <p className="calm">{t("hint")}</p>
        <div className="bar">
          <LanguageMenu />
          <ThemeMenu />
        </div>
      </Page>
    </main>
  );
}

/** The page that was asked for; only one of this console, wherever a link says to go. */
function inside(next: string | undefined): string {
  return next?.startsWith("/") &&
    !next.startsWith("//") &&
    !next.startsWith("/\\") &&
    !next.startsWith("/login")
    ? next
    : "/";
}

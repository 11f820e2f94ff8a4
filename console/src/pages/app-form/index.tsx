import { useNavigate } from "@tanstack/react-router";
import { Page } from "@/parts/page";
import { AppForm } from "./form";
import { useWords } from "./words";

export default function NewAppPage() {
  const t = useWords();
  const navigate = useNavigate();
  return (
    <Page title={t("title")}>
      <p>{t("intro")}</p>
      <AppForm
        onDone={(appName) => void navigate({ to: "/apps/$appName", params: { appName } })}
        onCancel={() => void navigate({ to: "/apps" })}
      />
    </Page>
  );
}

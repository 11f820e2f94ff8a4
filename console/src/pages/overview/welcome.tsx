import { CheckCircleOutlined } from "@ant-design/icons";
import { useRead } from "@/api/live";
import { useMayAct } from "@/api/session";
import { LinkButton } from "@/parts/link-button";
import { useWords } from "./words";

/** What a fresh server shows: the way to the first run. */
export function Welcome() {
  const t = useWords();
  const apps = useRead("/api/app/list", { topics: ["apps"] });
  const mayAct = useMayAct();
  const hasApp = (apps.data?.length ?? 0) > 0;
  return (
    <section className="panel" aria-labelledby="welcome">
      <h2 id="welcome">{t("welcome")}</h2>
      <ol className="overview-steps">
        <li>
          <strong>{t("step_app")}</strong> <span className="calm">{t("step_app_text")}</span>
          <div>
            {hasApp ? (
              <span className="good">
                <CheckCircleOutlined aria-hidden /> {t("step_done")}
              </span>
            ) : null}{" "}
            {mayAct ? (
              <LinkButton to="/apps/new" type={hasApp ? "default" : "primary"}>
                {t("step_app")}
              </LinkButton>
            ) : null}
          </div>
        </li>
        <li>
          <strong>{t("step_job")}</strong> <span className="calm">{t("step_job_text")}</span>
          <div>
            {mayAct ? (
              <LinkButton to="/jobs/new" type={hasApp ? "primary" : "default"}>
                {t("step_job")}
              </LinkButton>
            ) : null}
          </div>
        </li>
      </ol>
    </section>
  );
}

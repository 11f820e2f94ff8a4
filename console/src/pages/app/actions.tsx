import type { AppConfiguration } from "@/pages/app-form/fields";
import { Action } from "@/parts/action";
import { useWords } from "./words";

export function AppActions({
  app,
  jobCount,
  onRemoved,
}: {
  app: AppConfiguration;
  jobCount: number;
  onRemoved: () => void;
}) {
  const t = useWords();
  const name = app.appName;
  const options = { path: { appName: name } };
  return (
    <>
      {app.disabled ? (
        <Action
          name={t("enable")}
          question={t("enable_question", { name, count: jobCount })}
          command={{ method: "POST", path: "/api/app/{appName}/enable", options }}
          done={t("enabled", { name })}
        />
      ) : (
        <Action
          name={t("disable")}
          question={t("disable_question", { name, count: jobCount })}
          command={{ method: "POST", path: "/api/app/{appName}/disable", options }}
          done={t("disabled", { name })}
          danger
        />
      )}
      <Action
        name={t("remove")}
        question={t("remove_question", { name, count: jobCount })}
        command={{ method: "DELETE", path: "/api/app/{appName}", options }}
        done={t("removed", { name })}
        onDone={onRemoved}
        danger
      />
    </>
  );
}

import { useEffect, useState } from "react";
import { useLanguage } from "@/app/preferences";
import type { Language } from "@/words";

type InWords = (cron: string) => string;

async function load(language: Language): Promise<InWords> {
  const [{ default: cronstrue }] = await Promise.all([
    import("cronstrue"),
    ...(language === "zh" ? [import("cronstrue/locales/zh_CN")] : []),
  ]);
  const locale = language === "zh" ? "zh_CN" : "en";
  return (cron) => {
    try {
      return cronstrue.toString(cron, { locale, dayOfWeekStartIndexZero: false, use24HourTimeFormat: true });
    } catch {
      return ""; // the expression itself stands beside it
    }
  };
}

/** A cron expression in words, once the words have been loaded; empty where there are none. */
export function useCronInWords(cron: string): string {
  const language = useLanguage();
  const [inWords, setInWords] = useState<{ language: Language; of: InWords } | null>(null);
  useEffect(() => {
    let isWanted = true;
    if (cron !== "") {
      void load(language).then((of) => {
        if (isWanted) setInWords({ language, of });
      });
    }
    return () => {
      isWanted = false;
    };
  }, [cron, language]);
  return inWords && inWords.language === language && cron !== "" ? inWords.of(cron) : "";
}

export function CronInWords({ cron }: { cron: string }) {
  return <>{useCronInWords(cron)}</>;
}

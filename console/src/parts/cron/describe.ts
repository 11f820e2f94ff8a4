import { useQuery } from "@tanstack/react-query";
import { useLanguage } from "@/app/preferences";
import type { Language } from "@/words";

type Describe = (cron: string, language: Language) => string;

const LOCALES: Record<Language, string> = { en: "en", zh: "zh_CN" };
const kept = new Map<string, string>();

/** The library comes when the first expression is to be read aloud. */
async function loadDescribe(): Promise<Describe> {
  const [{ default: cronstrue }] = await Promise.all([
    import("cronstrue"),
    import("cronstrue/locales/zh_CN.min.js"),
  ]);
  return (cron, language) =>
    cronstrue.toString(cron, {
      locale: LOCALES[language],
      dayOfWeekStartIndexZero: false, // Quartz: Sunday is 1
      use24HourTimeFormat: true,
    });
}

function described(describe: Describe, cron: string, language: Language): string {
  const key = `${language} ${cron}`;
  let text = kept.get(key);
  if (text === undefined) {
    try {
      text = describe(cron, language);
    } catch {
      text = ""; // the server says what is wrong with it
    }
    if (kept.size > 2000) kept.clear();
    kept.set(key, text);
  }
  return text;
}

/** Gives an expression in words: empty while the words are loaded, and for what is no expression. */
export function useCronWords(): (cron: string) => string {
  const language = useLanguage();
  const { data: describe } = useQuery({
    queryKey: ["cron-words"],
    queryFn: loadDescribe,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    refetchOnMount: false,
  });
  return (cron) => (describe && cron.trim() ? described(describe, cron.trim(), language) : "");
}

import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";

export type Language = "en" | "zh";

export const LANGUAGES: readonly Language[] = ["en", "zh"];

/** Chinese words for each English one: a missing one is a type error. */
export type Same<W> = { readonly [K in keyof W]: string };

type Base<K> = K extends `${infer Stem}_one` | `${infer Stem}_other` ? Stem : K;

export type Translate<W> = (key: Base<keyof W & string>, values?: Record<string, string | number>) => string;

/** Words that came before i18next was started: modules of parts are evaluated first. */
const resources: Record<Language, Record<string, Record<string, string>>> = { en: {}, zh: {} };

const defined = new Set<string>();

export function startWords(language: Language): void {
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    resources,
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false }, // React escapes
    react: { useSuspense: false },
  });
}

export function changeLanguage(language: Language): void {
  void i18next.changeLanguage(language);
}

/**
 * Give a page's or part's words, and get the hook that translates.
 *
 * A number takes two keys, `rows_one` and `rows_other`, and is asked for as `t("rows", { count })`. Chinese has one
 * form: both keys say the same.
 */
export function defineWords<W extends Record<string, string>>(
  namespace: string,
  words: { en: W; zh: Same<W> },
): () => Translate<W> {
  if (defined.has(namespace)) throw new Error(`two places define the words "${namespace}"`);
  defined.add(namespace);
  for (const language of LANGUAGES) {
    if (i18next.isInitialized) i18next.addResourceBundle(language, namespace, words[language]);
    else resources[language][namespace] = words[language];
  }
  return () => useTranslate<W>(namespace);
}

function useTranslate<W>(namespace: string): Translate<W> {
  const { t } = useTranslation(namespace);
  return (key, values) => t(key, { ...values, ns: namespace });
}

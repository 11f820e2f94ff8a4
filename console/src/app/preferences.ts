import { useSyncExternalStore } from "react";
import { LANGUAGES, type Language } from "@/words";

export type ThemeChoice = "light" | "dark" | "system";
export type ZoneChoice = "browser" | "scheduler" | "utc";

/** What a person has chosen; kept in this browser. `language` null: as the browser says. */
export interface Preferences {
  language: Language | null;
  theme: ThemeChoice;
  zone: ZoneChoice;
}

const KEY = "elasticjob-console";
const DEFAULTS: Preferences = { language: null, theme: "system", zone: "browser" };

let current = load();
const listeners = new Set<() => void>();

function load(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...DEFAULTS, ...(stored as Partial<Preferences>) };
  } catch {
    return DEFAULTS; // storage may be forbidden
  }
}

export function preferences(): Preferences {
  return current;
}

export function choose(changed: Partial<Preferences>): void {
  current = { ...current, ...changed };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // It holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

/** The language that was chosen, else the first of the browser's that we speak. */
export function languageOf({ language }: Preferences): Language {
  if (language && LANGUAGES.includes(language)) return language;
  const spoken = navigator.languages.map((each) => each.slice(0, 2).toLowerCase());
  return (spoken.find((each) => LANGUAGES.some((ours) => ours === each)) as Language | undefined) ?? "en";
}

export function useLanguage(): Language {
  return languageOf(usePreferences());
}

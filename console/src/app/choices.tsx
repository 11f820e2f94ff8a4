import { BgColorsOutlined, GlobalOutlined, TranslationOutlined, UserOutlined } from "@ant-design/icons";
import { useNavigate } from "@tanstack/react-router";
import { Button, Dropdown, type MenuProps } from "antd";
import type { ReactNode } from "react";
import { useLogout, useMe } from "@/api/session";
import { useNow } from "@/parts/time/clock";
import { shownTime, useZone } from "@/parts/time/time";
import { LANGUAGES, type Language } from "@/words";
import { choose, type ThemeChoice, useLanguage, usePreferences, type ZoneChoice } from "./preferences";
import { useWords } from "./words";

const LANGUAGE_NAMES: Record<Language, string> = { en: "English", zh: "中文" };
const THEMES: readonly ThemeChoice[] = ["light", "dark", "system"];

/** What a person chooses for all pages: time zone, language, theme; and their account. */
export function Choices() {
  return (
    <>
      <ZoneMenu />
      <LanguageMenu />
      <ThemeMenu />
      <AccountMenu />
    </>
  );
}

function Choice({
  name,
  icon,
  text,
  items,
  selected,
  onChoose,
}: {
  name: string;
  icon: ReactNode;
  text?: string;
  items: { key: string; label: string }[];
  selected: string;
  onChoose: (key: string) => void;
}) {
  const menu: MenuProps = {
    items,
    selectable: true,
    selectedKeys: [selected],
    onClick: ({ key }) => onChoose(key),
  };
  return (
    <Dropdown menu={menu} trigger={["click"]}>
      <Button type="text" icon={icon} aria-label={text ? `${name}: ${text}` : name}>
        {text}
      </Button>
    </Dropdown>
  );
}

function ZoneMenu() {
  const t = useWords();
  const { zone } = usePreferences();
  const language = useLanguage();
  const shownZone = useZone();
  const now = useNow();
  const scheduler = useMe().data?.schedulerZone ?? "";
  const browser = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Choice
      name={t("zone")}
      icon={<GlobalOutlined aria-hidden />}
      text={shownTime(now, shownZone, language).slice(11)}
      selected={zone}
      onChoose={(key) => choose({ zone: key as ZoneChoice })}
      items={[
        { key: "browser", label: t("zone_browser", { zone: browser }) },
        { key: "scheduler", label: t("zone_scheduler", { zone: scheduler }) },
        { key: "utc", label: t("zone_utc") },
      ]}
    />
  );
}

export function LanguageMenu() {
  const t = useWords();
  const language = useLanguage();
  return (
    <Choice
      name={t("language")}
      icon={<TranslationOutlined aria-hidden />}
      text={LANGUAGE_NAMES[language]}
      selected={language}
      onChoose={(key) => choose({ language: key as Language })}
      items={LANGUAGES.map((key) => ({ key, label: LANGUAGE_NAMES[key] }))}
    />
  );
}

export function ThemeMenu() {
  const t = useWords();
  const { theme } = usePreferences();
  return (
    <Choice
      name={t("theme")}
      icon={<BgColorsOutlined aria-hidden />}
      selected={theme}
      onChoose={(key) => choose({ theme: key as ThemeChoice })}
      items={THEMES.map((key) => ({ key, label: t(key) }))}
    />
  );
}

function AccountMenu() {
  const t = useWords();
  const me = useMe().data;
  const logOut = useLogout();
  const navigate = useNavigate();
  const items = [{ key: "me", label: t("me") }, ...(me?.login ? [{ key: "out", label: t("log_out") }] : [])];
  async function choosePlace(key: string): Promise<void> {
    if (key === "out") {
      await logOut();
      await navigate({ to: "/login" });
    } else {
      await navigate({ to: "/me" });
    }
  }
  const name = me?.username || me?.hostname || "";
  return (
    <Dropdown menu={{ items, onClick: ({ key }) => void choosePlace(key) }} trigger={["click"]}>
      <Button type="text" icon={<UserOutlined aria-hidden />} aria-label={t("user_menu", { name })}>
        {name}
      </Button>
    </Dropdown>
  );
}

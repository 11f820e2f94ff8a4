import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { App, ConfigProvider } from "antd";
import type { Locale } from "antd/es/locale";
import en from "antd/es/locale/en_US";
import zh from "antd/es/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useEffect } from "react";
import { changeLanguage, type Language } from "@/words";
import { queryClient } from "./cache";
import { nonce } from "./nonce";
import { useLanguage } from "./preferences";
import { router } from "./router";
import { themeOf, useIsDark } from "./theme";

const LOCALES: Record<Language, Locale> = { en, zh };

export function Console() {
  const language = useLanguage();
  const isDark = useIsDark();
  useEffect(() => {
    changeLanguage(language);
    dayjs.locale(language === "zh" ? "zh-cn" : "en");
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  }, [isDark]);
  return (
    <ConfigProvider
      locale={LOCALES[language]}
      theme={themeOf(isDark)}
      csp={{ nonce }}
      button={{ autoInsertSpace: false }}
    >
      <App>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </App>
    </ConfigProvider>
  );
}

import { theme as antdTheme, type ThemeConfig } from "antd";
import { useSyncExternalStore } from "react";
import { usePreferences } from "./preferences";

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

function subscribe(listener: () => void): () => void {
  systemDark.addEventListener("change", listener);
  return () => systemDark.removeEventListener("change", listener);
}

export function useIsDark(): boolean {
  const { theme } = usePreferences();
  const isSystemDark = useSyncExternalStore(subscribe, () => systemDark.matches);
  return theme === "dark" || (theme === "system" && isSystemDark);
}

const FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif";

/** Colours that differ from Ant Design's reach a contrast of 4.5 to 1 (WCAG AA), which axe checks. */
export function themeOf(isDark: boolean): ThemeConfig {
  return {
    algorithm: isDark ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
    token: {
      fontFamily: FONT,
      borderRadius: 6,
      motion: false,
      ...(isDark
        ? {
            colorPrimary: "#3c89e8",
            colorInfo: "#65a9f3",
            colorLink: "#65a9f3",
            colorError: "#ff7a75",
            colorTextSecondary: "rgba(255,255,255,0.72)",
            colorTextTertiary: "rgba(255,255,255,0.65)",
            colorTextDescription: "rgba(255,255,255,0.68)",
            colorTextPlaceholder: "rgba(255,255,255,0.58)",
          }
        : {
            colorPrimary: "#0958d9",
            colorLink: "#0958d9",
            colorInfo: "#0958d9",
            colorInfoBg: "#e6f4ff",
            colorInfoBorder: "#91caff",
            colorSuccess: "#237804",
            // Made from the darker colours, these would be grey, with too little contrast.
            colorSuccessBg: "#f6ffed",
            colorSuccessBorder: "#b7eb8f",
            colorWarningBg: "#fffbe6",
            colorWarningBorder: "#ffe58f",
            colorErrorBg: "#fff1f0",
            colorErrorBorder: "#ffa39e",
            colorError: "#cf1322",
            colorWarning: "#ad4e00",
            colorTextSecondary: "rgba(0,0,0,0.68)",
            colorTextTertiary: "rgba(0,0,0,0.62)",
            colorTextDescription: "rgba(0,0,0,0.64)",
            colorTextPlaceholder: "rgba(0,0,0,0.58)",
          }),
    },
    components: {
      Layout: { bodyBg: isDark ? "#0b0c0e" : "#f5f6f8" },
      ...(isDark
        ? {
            Menu: { itemSelectedColor: "#9cc8ff" },
            Tabs: { itemSelectedColor: "#65a9f3" },
            // White on the light red of the dark theme could not be read.
            Button: { dangerColor: "#1f1f1f" },
            // On the darkest shade of blue links can still be read.
            Table: { rowSelectedBg: "#111d2c", rowSelectedHoverBg: "#15253b" },
          }
        : {}),
    },
  };
}

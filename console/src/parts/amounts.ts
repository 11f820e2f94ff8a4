import { useLanguage } from "@/app/preferences";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Show numbers and sizes as people of this language write them. */
export function useAmounts() {
  const locale = useLanguage() === "zh" ? "zh-CN" : "en-GB";
  const number = (value: number, digits = 0): string =>
    value.toLocaleString(locale, { maximumFractionDigits: digits });
  return {
    number,
    /** CPUs are counted in thousandths. */
    cpus: (value: number): string => number(value, 3),
    bytes(value: number): string {
      let rest = value;
      let unit = 0;
      while (rest >= 1024 && unit < UNITS.length - 1) {
        rest /= 1024;
        unit += 1;
      }
      return `${number(rest, rest < 10 && unit > 0 ? 1 : 0)} ${UNITS[unit]}`;
    },
    mebibytes(value: number): string {
      return value >= 10_240 ? `${number(value / 1024, 1)} GiB` : `${number(value, 1)} MiB`;
    },
  };
}

import { defineWords } from "@/words";

export const useWords = defineWords("range", {
  en: {
    range: "Time range",
    since_1h: "Last hour",
    since_6h: "Last 6 hours",
    since_24h: "Last 24 hours",
    since_7d: "Last 7 days",
    since_30d: "Last 30 days",
    since_all: "All that is kept",
    since_between: "From … to …",
    from: "From",
    to: "To",
  },
  zh: {
    range: "时间范围",
    since_1h: "最近 1 小时",
    since_6h: "最近 6 小时",
    since_24h: "最近 24 小时",
    since_7d: "最近 7 天",
    since_30d: "最近 30 天",
    since_all: "全部保留的数据",
    since_between: "自定义起止时间",
    from: "从",
    to: "到",
  },
});

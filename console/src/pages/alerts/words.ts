import { defineWords } from "@/words";

export const useWords = defineWords("alerts", {
  en: {
    title: "Alerts",
    firing: "Alerts",
    rules: "Rules",
    channels: "Channels",
    silences: "Silences",
    deliveries: "Deliveries",
  },
  zh: {
    title: "告警",
    firing: "告警",
    rules: "规则",
    channels: "通知渠道",
    silences: "静默",
    deliveries: "发送记录",
  },
});

import { defineWords } from "@/words";

export const useWords = defineWords("job-form", {
  en: {
    json: "JSON that is sent",
    save: "Save",
    register: "Register job",
  },
  zh: {
    json: "将发送的 JSON",
    save: "保存",
    register: "注册作业",
  },
});

import { defineWords } from "@/words";

export const useWords = defineWords("apps", {
  en: {
    title: "Apps",
    publish: "Publish app",
    search: "Filter by name or address",
    name: "Name",
    state: "State",
    url: "Address",
    cpu: "CPUs",
    memory: "Memory (MB)",
    jobs: "Jobs",
    none: "No app is published yet. An app holds what jobs run: publish one first.",
    none_found: "No app matches.",
    count_one: "{{count}} app",
    count_other: "{{count}} apps",
  },
  zh: {
    title: "应用",
    publish: "发布应用",
    search: "按名称或地址筛选",
    name: "名称",
    state: "状态",
    url: "地址",
    cpu: "CPU",
    memory: "内存（MB）",
    jobs: "作业",
    none: "还没有发布应用。作业运行的程序在应用里，请先发布一个应用。",
    none_found: "没有符合条件的应用。",
    count_one: "{{count}} 个应用",
    count_other: "{{count}} 个应用",
  },
});

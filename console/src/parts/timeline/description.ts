import type { MouseEvent } from "react";
import { useLanguage } from "@/app/preferences";
import { shownTime, useZone } from "../time/time";
import type { Bar, JobSpans } from "./layout";
import { useStateWord } from "./legend";
import { useWords } from "./words";

/** Gives a bar its title when the mouse comes to it: thousands of them would take long to word. */
export function useDescription(
  jobs: readonly JobSpans[],
  barsFor: (job: JobSpans) => readonly Bar[],
): (event: MouseEvent<HTMLElement>) => void {
  const t = useWords();
  const word = useStateWord();
  const zone = useZone();
  const language = useLanguage();

  function titleOf(job: string, bar: Bar): string {
    const values = {
      job,
      count: bar.count,
      state: word(bar.state),
      from: shownTime(bar.start, zone, language),
      to: bar.state === "RUNNING" ? "…" : shownTime(bar.end, zone, language),
    };
    if (bar.state === "PLANNED") return t(bar.count > 1 ? "bar_many_planned" : "bar_planned", values);
    return t(bar.count > 1 ? "bar_many" : "bar", values);
  }

  return (event) => {
    const element = (event.target as HTMLElement).closest<HTMLElement>(".timeline-bar");
    const { job: name, bar: index } = element?.parentElement?.dataset.job
      ? { job: element.parentElement.dataset.job, bar: element.dataset.bar }
      : {};
    const job = jobs.find((each) => each.jobName === name);
    const bar = job === undefined ? undefined : barsFor(job)[Number(index)];
    if (element && job && bar) element.title = titleOf(job.jobName, bar);
  };
}

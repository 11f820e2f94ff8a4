import { useLocation, useNavigate } from "@tanstack/react-router";
import { useRead } from "@/api/live";
import { Loaded, Page } from "@/parts/page";
import { JobForm } from "./form";
import { useWords } from "./words";

type Search = { from?: string; appName?: string };

/** `/jobs/new`, of an app with `?appName=NAME`; `?from=NAME` begins with what another job is. */
export default function NewJobPage() {
  const t = useWords();
  const { from = "", appName = "" } = useLocation({ select: (location) => location.search as Search });
  const toJob = useToJob();
  return from ? (
    <Page title={t("clone_title", { name: from })}>
      <Clone key={from} from={from} />
    </Page>
  ) : (
    <Page title={t("new_title")}>
      <JobForm mode="new" appName={appName} onDone={toJob} />
    </Page>
  );
}

function Clone({ from }: { from: string }) {
  const toJob = useToJob();
  const read = useRead("/api/job/jobs/{jobName}", {
    path: { jobName: from },
    topics: [],
    keepPrevious: false,
  });
  return <Loaded read={read}>{(job) => <JobForm mode="clone" initial={job} onDone={toJob} />}</Loaded>;
}

function useToJob(): (jobName: string) => void {
  const navigate = useNavigate();
  return (jobName) => {
    // A job called `new` has its page below this one.
    if (jobName === "new") void navigate({ to: "/jobs/$jobName/$tab", params: { jobName, tab: "runs" } });
    else void navigate({ to: "/jobs/$jobName", params: { jobName } });
  };
}

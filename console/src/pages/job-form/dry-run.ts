import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ApiError, post, put } from "@/api/client";
import { useSettled } from "@/parts/cron/fires";
import { NO_PROBLEMS, type Problems } from "@/parts/problems";
import { problemsOf } from "./problems";

/** Ask the server what it would say of a job, once the typing rests. Nothing is saved. Null: not known. */
export function useDryRun(body: Record<string, unknown>, isEdit: boolean, isOn: boolean): Problems | null {
  const text = useSettled(JSON.stringify(body), 400);
  const read = useQuery<Problems, Error>({
    queryKey: ["job-dry-run", isEdit, text],
    queryFn: async ({ signal }) => {
      const call = { query: { dryRun: true }, body: JSON.parse(text) as unknown, signal };
      try {
        await (isEdit ? put("/api/job/update", call) : post("/api/job/register", call));
        return NO_PROBLEMS;
      } catch (error) {
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
          return problemsOf(error, isEdit);
        }
        throw error; // the server is not there: that says nothing of the job
      }
    },
    enabled: isOn,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
  });
  return read.data ?? null;
}

/** What the address of a job's page says. */
export const DEFAULTS = {
  tab: "runs",
  state: "",
  cursor: "",
  compare: "",
  edit: "",
  show: "executions",
  page: "1",
};
export type JobFilters = typeof DEFAULTS;

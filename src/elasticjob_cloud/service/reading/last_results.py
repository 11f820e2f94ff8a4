"""How the last run of each job ended: followed commit by commit, and read from the store for the time before."""

import msgspec

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import ENDED_STATES, EndedRun, JobResults
from elasticjob_cloud.model.records import Changes

_VERDICTS = (RunState.SUCCEEDED, RunState.FAILED)


class LastResult(msgspec.Struct, frozen=True, gc=False):
    """How and when a job's last run ended, or its last execution, if it is a daemon job."""

    state: RunState
    ended_ms: int


class LastResults:
    """The last result of each job, and the jobs that fail now: whose last run that succeeded or failed has failed.

    `failing` has the time of the first of these failures in a row, or None where only the store knows it.
    """

    def __init__(self) -> None:
        self._of_job: dict[str, LastResult] = {}
        self._settled: set[str] = set()  # jobs of which it is known whether they fail now
        self.failing: dict[str, int | None] = {}

    def get(self, job_name: str) -> LastResult | None:
        """Give a job's last result; None when it has none, or the store was not read yet."""
        return self._of_job.get(job_name)

    def note(self, changes: Changes) -> None:
        """Take up what a turn has committed."""
        for job_name, record in changes.jobs.items():
            if record is None:
                self._forget(job_name)
        for fire in changes.fires.values():
            state = fire.run_state
            if state in ENDED_STATES and fire.source is not FireSource.DAEMON:
                self._put(fire.job_name, state, fire.ended_ms or fire.recorded_ms)
        for execution in changes.executions:
            if execution.app_name:  # of a daemon job
                state = RunState.SUCCEEDED if execution.is_success else RunState.FAILED
                self._put(execution.job_name, state, execution.complete_ms)

    def is_settled(self, job_name: str) -> bool:
        """Tell whether it is known whether a job fails now."""
        return job_name in self._settled

    def fill_from_newest(self, ended: EndedRun) -> None:
        """Take up a run from the store, which gives the newest first, where nothing newer is known."""
        job_name, state = ended.job_name, ended.state
        self._of_job.setdefault(job_name, LastResult(state, ended.ended_ms))
        if state in _VERDICTS and job_name not in self._settled:
            if state is RunState.FAILED:
                self.failing.setdefault(job_name, None)
            self._settled.add(job_name)

    def fill(self, job_name: str, results: JobResults) -> None:
        """Take up what the store knows, where nothing newer is known."""
        if not results.recent:
            return
        run = results.last_run
        ended_ms = 0 if run is None else run.end_ms or run.recorded_ms
        self._of_job.setdefault(job_name, LastResult(results.recent[0], ended_ms))
        verdict = next((state for state in results.recent if state in _VERDICTS), None)
        if verdict is RunState.FAILED and job_name not in self._settled:
            self.failing.setdefault(job_name, None)
        self._settled.add(job_name)

    def _put(self, job_name: str, state: RunState, ended_ms: int) -> None:
        self._of_job[job_name] = LastResult(state, ended_ms)
        if state is RunState.SUCCEEDED:
            self.failing.pop(job_name, None)
        elif state is RunState.FAILED:
            # The first that is known of a job may be one of many in a row.
            self.failing.setdefault(job_name, ended_ms if job_name in self._settled else None)
        if state in _VERDICTS:
            self._settled.add(job_name)

    def _forget(self, job_name: str) -> None:
        self._of_job.pop(job_name, None)
        self.failing.pop(job_name, None)
        self._settled.discard(job_name)

"""When each job last succeeded, for `/metrics`: by the rule for runs, and for executions of daemon jobs."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import Core


class LastSuccesses(Collector):
    """A gauge with one series for each job, while there are no more jobs than `job_limit`."""

    def __init__(self, job_limit: int, registry: CollectorRegistry) -> None:
        """Show at most so many jobs; 0: none is shown."""
        self._job_limit = job_limit
        self._core: Core | None = None
        self._times_ms: dict[str, int] = {}
        self.has_earlier = False  # whether it knows those of before the core took over
        registry.register(self)

    @property
    def is_shown(self) -> bool:
        """Whether this scheduler leads, and has few enough jobs."""
        return self._core is not None and len(self._core.state.jobs) <= self._job_limit

    def follow(self, core: Core | None) -> None:
        """Begin again with this core's jobs; None: this scheduler stands by, and shows none."""
        self._core = core
        self._forget()

    def note(self, changes: Changes) -> None:
        """Note the successes that a turn committed."""
        if not self.is_shown:
            self._forget()
            return
        for job_name, job in changes.jobs.items():
            if job is None:
                self._times_ms.pop(job_name, None)
        for fire in changes.fires.values():
            if fire.run_state is RunState.SUCCEEDED and fire.source is not FireSource.DAEMON:
                self._note(fire.job_name, fire.ended_ms)
        for execution in changes.executions:
            if execution.is_success and execution.app_name:  # only those of daemon jobs have one
                self._note(execution.job_name, execution.complete_ms)

    def note_earlier(self, core: Core, times_ms: Mapping[str, int]) -> None:
        """Note successes that were recorded before this core took over."""
        if core is self._core:
            self.has_earlier = True
            for job_name, time_ms in times_ms.items():
                self._note(job_name, time_ms)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauge; a job that never succeeded has no series."""
        family = self._family()
        if self.is_shown:
            assert self._core is not None
            jobs = self._core.state.jobs
            for job_name, time_ms in self._times_ms.items():
                if job_name in jobs:
                    family.add_metric([job_name], time_ms / 1000)
        yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Tell the registry its name."""
        yield self._family()

    def _forget(self) -> None:
        self._times_ms = {}
        self.has_earlier = False

    def _note(self, job_name: str, time_ms: int) -> None:
        # An agent that was cut off tells late what ended long ago.
        self._times_ms[job_name] = max(time_ms, self._times_ms.get(job_name, 0))

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "elasticjob_last_success_timestamp_seconds",
            "When a job's last run, or a daemon job's last execution, succeeded (Unix time).",
            labels=["job"],
        )

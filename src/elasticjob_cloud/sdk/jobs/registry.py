"""Which job serves which job name."""

from collections.abc import Mapping, Sequence

from elasticjob_cloud.model.errors import NotFoundError, StartError
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.sdk.jobs.job import Job
from elasticjob_cloud.sdk.jobs.listeners import Listener, add_listeners, bind_listeners
from elasticjob_cloud.sdk.shards.bound_job import BoundJob

_NAMES_SHOWN = 20


class JobRegistry:
    """The jobs of an app: one for every job name, or one for each."""

    def __init__(self, jobs: Job | Mapping[str, Job], listeners: Sequence[Listener] = ()) -> None:
        """Bind the jobs, each object once, however many names it serves, with listeners around all of them.

        Raises:
            StartError: If one of them is no job, or there are none; if a listener is none.
        """
        heard = bind_listeners(listeners)
        self._default: BoundJob | None = None
        self._by_name: dict[str, BoundJob] = {}
        if not isinstance(jobs, Mapping):
            self._default = add_listeners(bind_job(jobs), heard)
            return
        if not jobs:
            raise StartError("No jobs were given: name at least one, as {'my_job': MyJob}.")
        bound: dict[int, BoundJob] = {}
        for name, job in jobs.items():
            if id(job) not in bound:
                bound[id(job)] = add_listeners(bind_job(job), heard)
            self._by_name[name] = bound[id(job)]

    @property
    def names(self) -> tuple[str, ...]:
        """The job names served; empty when one job serves them all."""
        return tuple(sorted(self._by_name))

    def find(self, job_name: str) -> BoundJob:
        """Return the job of this name.

        Raises:
            NotFoundError: If this app has no such job; the message lists those that it has.
        """
        job = self._by_name.get(job_name, self._default)
        if job is None:
            shown = ", ".join(self.names[:_NAMES_SHOWN])
            more = len(self._by_name) - _NAMES_SHOWN
            raise NotFoundError(
                f"This app has no job {job_name!r}. It has: {shown}"
                + (f" and {more} more." if more > 0 else ".")
                + " Register the job under one of these names, or add it to the app's bootstrap."
            )
        return job

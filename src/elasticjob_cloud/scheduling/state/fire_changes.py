"""Changes of fires and runs: from a due time to the end of the last shard.

Each change of a fire or a run goes through `_record`: what is to follow runs hooks in there, and nowhere else.
"""

from collections import deque
from typing import Any

import msgspec

from elasticjob_cloud.model.errors import BugError
from elasticjob_cloud.model.fire import DropReason, FireSource, FireState, may_become
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.scheduling.state.part import TurnPart
from elasticjob_cloud.scheduling.state.run import Run, RunState


class FireChanges(TurnPart):
    """Changes fires, and the runs that they become."""

    __slots__ = ()

    def new(self, job_name: str, source: FireSource, due_ms: int) -> FireRecord:
        """Make a fire that waits; it is recorded by `wait` or `drop`."""
        fires = self._decisions.fires
        fires[source.value] = fires.get(source.value, 0) + 1
        fire_id = self._state.next_fire_id
        self._state.next_fire_id += 1
        return FireRecord(
            fire_id=fire_id,
            job_name=job_name,
            source=source,
            due_ms=due_ms,
            state=FireState.WAITING,
            recorded_ms=self._now.wall_ms,
        )

    def wait(self, fire: FireRecord) -> None:
        """Record a new fire that waits for its run."""
        waiting = self._state.waiting.get(fire.job_name)
        if waiting is None:
            waiting = self._state.waiting[fire.job_name] = deque()
        waiting.append(fire)
        self._record(fire)

    def drop(self, fire: FireRecord, reason: DropReason, *, count: int = 1, last_due_ms: int = 0) -> None:
        """Record why a fire (or so many, up to `last_due_ms`) never becomes a run (promise 1).

        Raises:
            BugError: it runs, or has ended; nothing has changed.
        """
        now_ms = self._now.wall_ms
        self._become(
            fire,
            FireState.DROPPED,
            reason=reason.value,
            ended_ms=now_ms,
            count=count,
            last_due_ms=last_due_ms,
        )
        dropped = self._decisions.dropped
        dropped[reason.value] = dropped.get(reason.value, 0) + count

    def drop_waiting(self, job_name: str, reason: DropReason) -> None:
        """Record why none of the job's waiting fires will run."""
        for fire in self._state.waiting.pop(job_name, ()):
            self.drop(fire, reason)

    def start(self, configuration: JobConfiguration, recorded: JobConfiguration | None) -> FireRecord:
        """Let the oldest waiting fire of a job become a run of all shards of this configuration.

        `recorded`: what the record tells of it, where a later leader could not find it out from the job.
        """
        job_name = configuration.job_name
        waiting = self._state.waiting[job_name]
        fire = waiting.popleft()
        if not waiting:
            del self._state.waiting[job_name]
        fire = self._become(fire, FireState.RUNNING, started_ms=self._now.wall_ms, configuration=recorded)
        run = self._state.runs[job_name] = Run(fire, configuration)
        run.open_items = set(range(configuration.sharding_total_count))
        return fire

    def keep_settings(self, job_name: str) -> None:
        """Record what a run was started with before its job changes: a new leader goes on with that.

        So it is promised in docs/api.md, PUT /job/update.
        """
        run = self._state.runs[job_name]
        run.fire = self._become(
            run.fire, FireState.RUNNING, configuration=run.fire.configuration or run.configuration
        )

    def stop(self, job_name: str, reason: str) -> None:
        """Record that none of a run's shards is started again, and why, with the settings that it was started with.

        Raises:
            BugError: it has ended; nothing has changed.
        """
        run = self._state.runs[job_name]
        run.become(RunState.STOPPING)
        run.fire = self._become(
            run.fire,
            FireState.RUNNING,
            reason=reason,
            configuration=run.fire.configuration or run.configuration,
        )

    def end_item(self, job_name: str, item: int, *, failed: bool) -> bool:
        """Record that a shard of a run has ended for good; tell whether the run ended with it."""
        run = self._state.runs[job_name]
        run.open_items.discard(item)
        failed_tasks = run.fire.failed_tasks + failed
        if not run.open_items:
            run.become(RunState.ENDED)
            self._become(
                run.fire,
                FireState.COMPLETED,
                ended_ms=self._now.wall_ms,
                failed_tasks=failed_tasks,
                configuration=None,
            )
            del self._state.runs[job_name]
            return True
        if failed:
            run.fire = self._become(run.fire, FireState.RUNNING, failed_tasks=failed_tasks)
        return False

    def _become(self, fire: FireRecord, following: FireState, **fields: Any) -> FireRecord:
        if not may_become(fire.state, following):
            message = (
                f"Fire {fire.fire_id} of job '{fire.job_name}' is {fire.state.value}, "
                f"and cannot become {following.value}."
            )
            raise BugError(message)
        changed = msgspec.structs.replace(fire, state=following, **fields)
        self._record(changed)
        return changed

    def _record(self, fire: FireRecord) -> None:
        self._rows.fires[fire.fire_id] = fire

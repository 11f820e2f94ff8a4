"""Changes of fires and runs: from a due time to the end of the last shard.

Each change of a fire or a run goes through `_change`: what is to follow runs hooks in there, and nowhere else.
"""

from collections import deque
from typing import Any

import msgspec

from elasticjob_cloud.model.fire import TRANSITIONS, DropReason, FireSource, FireState
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.phases import IllegalTransitionError
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.scheduling.state.part import TurnPart
from elasticjob_cloud.scheduling.state.run import Run, RunState


class FireChanges(TurnPart):
    """Changes fires, and the runs that they become."""

    __slots__ = ()

    def new(self, job_name: str, source: FireSource, due_ms: int) -> FireRecord:
        """Make a fire that waits; it is recorded by `wait` or `drop`."""
        fires = self._decisions.fires
        fires[source] = fires.get(source, 0) + 1
        fire_id = self._state.next_fire_id
        self._state.next_fire_id += 1
        return FireRecord(
            fire_id=fire_id,
            job_name=job_name,
            source=source,
            due_ms=due_ms,
            state=FireState.WAITING,
            recorded_ms=self._now_ms,
        )

    def wait(self, fire: FireRecord) -> None:
        """Record a new fire that waits for its run."""
        waiting = self._state.waiting.get(fire.job_name)
        if waiting is None:
            waiting = self._state.waiting[fire.job_name] = deque()
        waiting.append(fire)
        self._change(None, fire)

    def drop(self, fire: FireRecord, reason: DropReason, *, count: int = 1, last_due_ms: int = 0) -> None:
        """Record why a fire (or so many, up to `last_due_ms`) never becomes a run (promise 1).

        Raises:
            IllegalTransitionError: it runs, or has ended; nothing has changed.
        """
        dropped = msgspec.structs.replace(
            fire,
            state=FireState.DROPPED,
            reason=str(reason),
            ended_ms=self._now_ms,
            count=count,
            last_due_ms=last_due_ms,
        )
        self._change(fire, dropped)
        counts = self._decisions.dropped
        counts[reason] = counts.get(reason, 0) + count

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
        fire = waiting[0]
        started = msgspec.structs.replace(
            fire, state=FireState.RUNNING, started_ms=self._now_ms, configuration=recorded
        )
        self._change(fire, started)
        waiting.popleft()
        if not waiting:
            del self._state.waiting[job_name]
        run = self._state.runs[job_name] = Run(started, configuration)
        run.open_items = set(range(configuration.sharding_total_count))
        return started

    def keep_settings(self, job_name: str) -> None:
        """Record what a run was started with before its job changes: a new leader goes on with that.

        So it is promised in docs/api.md, PUT /job/update.
        """
        run = self._state.runs[job_name]
        self._change_run(run, configuration=run.fire.configuration or run.configuration)

    def stop(self, job_name: str, reason: str) -> None:
        """Record that none of a run's shards is started again, and why, with the settings that it was started with."""
        run = self._state.runs[job_name]
        run.become(RunState.STOPPING)
        self._change_run(run, reason=reason, configuration=run.fire.configuration or run.configuration)

    def end_item(self, job_name: str, item: int, *, failed: bool) -> bool:
        """Record that a shard of a run has ended for good; tell whether the run ended with it."""
        run = self._state.runs[job_name]
        run.open_items.discard(item)
        failed_tasks = run.fire.failed_tasks + failed
        if not run.open_items:
            run.become(RunState.ENDED)
            ended = msgspec.structs.replace(
                run.fire,
                state=FireState.COMPLETED,
                ended_ms=self._now_ms,
                failed_tasks=failed_tasks,
                configuration=None,
            )
            self._change(run.fire, ended)
            del self._state.runs[job_name]
            return True
        if failed:
            self._change_run(run, failed_tasks=failed_tasks)
        return False

    def _change_run(self, run: Run, **fields: Any) -> None:
        changed = msgspec.structs.replace(run.fire, **fields)
        self._change(run.fire, changed)
        run.fire = changed

    def _change(self, before: FireRecord | None, after: FireRecord) -> None:
        """Record a change; `before` of None: the fire is new."""
        if before is not None and after.state not in TRANSITIONS[before.state]:
            message = (
                f"Fire {before.fire_id} of job '{before.job_name}' is {before.state.value}, "
                f"and cannot become {after.state.value}."
            )
            raise IllegalTransitionError(message)
        self._rows.fires[after.fire_id] = after

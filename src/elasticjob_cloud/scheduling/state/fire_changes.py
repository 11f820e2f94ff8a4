"""Changes of fires and runs: from a due time to the end of the last shard.

Each change of a fire or a run goes through `_change`: what is to follow runs hooks in there, and nowhere else.
"""

from collections import deque
from typing import Any

import msgspec

from elasticjob_cloud.model.fire import TRANSITIONS, DropReason, FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.phases import IllegalTransitionError
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.model.results import ShardResult, run_outcome
from elasticjob_cloud.scheduling.state.part import TurnPart
from elasticjob_cloud.scheduling.state.run import Run, RunPhase


class FireChanges(TurnPart):
    """Changes fires, and the runs that they become."""

    __slots__ = ()

    def new(self, job_name: str, source: FireSource, due_ms: int) -> FireRecord:
        """Make a fire of a registered job, which waits; it is recorded by `wait` or `drop`."""
        return self.new_of(self._state.jobs[job_name].configuration, source, due_ms)

    def new_of(
        self,
        configuration: JobConfiguration,
        source: FireSource,
        due_ms: int,
        *,
        is_own: bool = False,
        items: tuple[int, ...] = (),
        rerun_of: int = 0,
        triggered_by: str = "",
        idempotency_key: str = "",
    ) -> FireRecord:
        """Make a fire that is to run under these settings. `is_own`: whatever its job has become by then."""
        fires = self._decisions.fires
        fires[source] = fires.get(source, 0) + 1
        fire_id = self._state.next_fire_id
        self._state.next_fire_id += 1
        return FireRecord(
            fire_id=fire_id,
            job_name=configuration.job_name,
            source=source,
            due_ms=due_ms,
            state=FireState.WAITING,
            recorded_ms=self._now_ms,
            configuration=configuration if is_own else None,
            app_name=configuration.app_name,
            shard_total=len(items) or configuration.sharding_total_count,
            triggered_by=triggered_by,
            rerun_of=rerun_of,
            idempotency_key=idempotency_key,
            items=items,
        )

    def wait(self, fire: FireRecord) -> None:
        """Record a new fire that waits for its run."""
        waiting = self._state.waiting.get(fire.job_name)
        if waiting is None:
            waiting = self._state.waiting[fire.job_name] = deque()
        waiting.append(fire)
        if fire.idempotency_key:
            key = (fire.job_name, fire.idempotency_key)
            self._state.idempotency_keys.put(key, fire.fire_id, fire.recorded_ms)
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
        self._count_run(fire, RunState.DROPPED, count)

    def drop_waiting(self, job_name: str, reason: DropReason) -> None:
        """Record why none of the job's waiting fires will run."""
        for fire in self._state.waiting.pop(job_name, ()):
            self.drop(fire, reason)

    def kill_waiting(self, fire: FireRecord) -> None:
        """Record that a waiting fire will not run: somebody asked for that."""
        waiting = self._state.waiting[fire.job_name]
        waiting.remove(fire)
        if not waiting:
            del self._state.waiting[fire.job_name]
        self.drop(fire, DropReason.KILLED)

    def start(self, configuration: JobConfiguration, recorded: JobConfiguration | None) -> FireRecord:
        """Let the oldest waiting fire of a job become a run, under this configuration.

        `recorded`: what the record tells of it, where it could not be found out from the job.
        """
        job_name = configuration.job_name
        waiting = self._state.waiting[job_name]
        fire = waiting[0]
        items = fire.items or range(configuration.sharding_total_count)
        started = msgspec.structs.replace(
            fire,
            state=FireState.RUNNING,
            started_ms=self._now_ms,
            configuration=recorded,
            shard_total=len(items),
        )
        self._change(fire, started)
        waiting.popleft()
        if not waiting:
            del self._state.waiting[job_name]
        run = self._state.runs[job_name] = Run(started, configuration)
        run.open_items = set(items)
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
        run.become(RunPhase.STOPPING)
        self._change_run(run, reason=reason, configuration=run.fire.configuration or run.configuration)

    def note_failure(self, job_name: str, item: int, summary: str) -> None:
        """Remember why a shard failed that is to be started again, should it never be."""
        self._state.runs[job_name].failures[item] = summary

    def end_item(self, job_name: str, item: int, result: ShardResult, summary: str = "") -> bool:
        """Record how a shard of a run has ended for good; tell whether the run ended with it.

        `summary`: why it failed, or was killed.
        """
        run = self._state.runs[job_name]
        run.open_items.discard(item)
        if run.failures:
            run.failures.pop(item, None)
        if result is ShardResult.SUCCEEDED:
            run.succeeded_shards += 1
        else:
            before, run.fire = run.fire, _with_loss(run.fire, item, result, summary)
            self._change(before, run.fire)
        if run.open_items:
            return False
        self._end(run)
        return True

    def _end(self, run: Run) -> None:
        run.become(RunPhase.ENDED)
        fire = run.fire
        outcome = run_outcome(fire.failed_tasks, fire.killed_shards)
        ended = msgspec.structs.replace(
            fire,
            state=FireState.COMPLETED,
            ended_ms=self._now_ms,
            outcome=outcome,
            succeeded_shards=run.succeeded_shards,
        )
        self._change(fire, ended)
        del self._state.runs[fire.job_name]
        self._count_run(fire, outcome)

    def _count_run(self, fire: FireRecord, state: RunState, count: int = 1) -> None:
        if fire.source is not FireSource.DAEMON:  # each of whose executions counts instead
            runs = self._decisions.runs
            runs[state] = runs.get(state, 0) + count

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


def _with_loss(fire: FireRecord, item: int, result: ShardResult, summary: str) -> FireRecord:
    """Count a shard that failed or was killed. The first failure tells why the run failed; else the first kill does."""
    is_first = not fire.failed_tasks and (result is ShardResult.FAILED or not fire.summary)
    if is_first and fire.shard_total > 1:
        summary = f"Shard {item}: {summary}"
    return msgspec.structs.replace(
        fire,
        failed_tasks=fire.failed_tasks + (result is ShardResult.FAILED),
        killed_shards=fire.killed_shards + (result is ShardResult.KILLED),
        summary=summary if is_first else fire.summary,
    )

"""What the book of alerts is told of a turn: it is read from the rows that the turn writes, so the two cannot differ.

It decides nothing about alerts. A turn costs what has happened in it; only what waits without room is looked at as a
whole, every ten seconds.
"""

from typing import Final

from elasticjob_cloud.model.alerting.events import (
    DaemonRestarted,
    FiresDropped,
    RunEnded,
    RunOutcome,
    RunStarted,
    RunWaits,
    WatchedJob,
)
from elasticjob_cloud.model.fire import DropReason, FireSource, FireState, RunState
from elasticjob_cloud.model.messages import AgentJoined, AgentLost, EngineEvent
from elasticjob_cloud.model.records import ExecutionTrace, FireRecord, StatusTrace
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.alerts import AlertBook
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.runs.unmet import unplaceable_jobs
from elasticjob_cloud.scheduling.state.turn import Turn
from elasticjob_cloud.scheduling.state.view import ReadOnlyState

_LOOK_FOR_ROOM_MS: Final = 10_000  # it looks at all jobs that wait: 50 ms where 10,000 do
_TOLD_DROPS: Final = frozenset({DropReason.MISFIRED.value, DropReason.QUEUE_FULL.value})
_OUTCOMES: Final = {
    RunState.SUCCEEDED: RunOutcome.SUCCEEDED,
    RunState.FAILED: RunOutcome.FAILED,
    RunState.KILLED: RunOutcome.KILLED,
}


class Witness:
    """Tells the book. It knows what the rows of one turn alone do not say."""

    def __init__(self, book: AlertBook, state: ReadOnlyState) -> None:
        self._book = book
        self._state = state
        self._hosts: dict[str, str] = {}  # of agents that are there
        self._gone: list[str] = []  # agents that went in this turn: their hosts are still asked for
        self._failed: dict[int, dict[int, str]] = {}  # by run: the shards that failed last, and where
        self._look_ms: int | None = None  # monotonic: when to look again for what can never be placed

    def tell_record(self, now_ms: int) -> None:
        """Tell what a new leader finds in the record."""
        book, state = self._book, self._state
        for job_name in state.jobs:
            self._watch(job_name, now_ms)
        for fires in state.waiting.values():
            for fire in fires:
                self._tell_fire(fire, now_ms)
        for run in state.runs.values():
            self._tell_fire(run.fire, now_ms)
        book.taken_over(now_ms)

    def tell_agent(self, event: EngineEvent, now_ms: int) -> None:
        """Tell that an agent came or went, before the state knows."""
        match event:
            case AgentJoined():
                info = event.inventory.agent
                self._hosts[info.agent_id] = info.hostname
                self._book.agent_came(info.hostname, now_ms)
            case AgentLost() if event.agent_id in self._hosts:
                host = self._leave(event.agent_id)
                if event.agent_id in self._state.fleet.draining:
                    self._book.agent_left(host, now_ms)
                else:
                    self._book.agent_lost(host, event.reason, now_ms)
            case _:
                pass

    def tell_turn(self, turn: Turn) -> None:
        """Tell all that a turn has decided."""
        now_ms, changes = turn.now_ms, turn.decisions.changes
        self._tell_jobs(turn)
        killed = self._tell_attempts(changes.status_traces, now_ms)
        for execution in changes.executions:
            if execution.app_name and execution.task_id not in killed:
                self._tell_execution(execution, now_ms)
        for fire in changes.fires.values():
            self._tell_fire(fire, now_ms)
        for agent_id in turn.decisions.released:
            self._book.agent_left(self._leave(agent_id), now_ms)
        if not self._state.agents:
            self._book.no_agent(now_ms)
        self._look_for_room(turn.now)
        for agent_id in self._gone:
            if agent_id not in self._state.agents:
                self._hosts.pop(agent_id, None)
        self._gone.clear()

    def next_ms(self, now: Now) -> int | None:
        """Give the wall time at which it wants to look for what can never be placed."""
        return None if self._look_ms is None else now.wall_ms + self._look_ms - now.monotonic_ms

    # Jobs

    def _tell_jobs(self, turn: Turn) -> None:
        changes = turn.decisions.changes
        names = dict.fromkeys(changes.jobs)
        for app_name in changes.apps:
            names |= dict.fromkeys(self._state.jobs_of_app.get(app_name, ()))
        for job_name in names:
            if job_name in self._state.jobs:
                self._watch(job_name, turn.now_ms)

    def _watch(self, job_name: str, now_ms: int) -> None:
        job = self._state.jobs[job_name]
        is_disabled = not self._state.is_enabled(job_name)
        self._book.watch_job(WatchedJob(job_name, job.configuration.app_name, is_disabled), now_ms)

    # Runs

    def _tell_fire(self, fire: FireRecord, now_ms: int) -> None:
        match fire.state:
            case FireState.WAITING:
                waits = RunWaits(fire.fire_id, fire.job_name, self._app_of(fire), fire.due_ms)
                self._book.run_waits(waits, now_ms)
            case FireState.RUNNING if fire.source is not FireSource.DAEMON:
                where = self._where_it_runs(fire.job_name)
                started = RunStarted(fire.fire_id, fire.job_name, self._app_of(fire), fire.started_ms, where)
                self._book.run_started(started, now_ms)
            case FireState.COMPLETED:
                self._tell_end(fire, now_ms)
            case FireState.DROPPED:
                self._book.run_gone(fire.fire_id, now_ms)
                self._tell_drop(fire, now_ms)
            case _:
                self._book.run_gone(fire.fire_id, now_ms)  # a daemon waits no more

    def _tell_end(self, fire: FireRecord, now_ms: int) -> None:
        failed = self._failed.pop(fire.fire_id, {})
        # A job that is gone has no alerts; what a daemon does is told by its executions.
        if fire.source is FireSource.DAEMON or fire.job_name not in self._state.jobs:
            self._book.run_gone(fire.fire_id, now_ms)
            return
        items = tuple(sorted(failed))
        ended = RunEnded(
            fire.fire_id,
            fire.job_name,
            self._app_of(fire),
            _OUTCOMES[fire.run_state],
            fire.ended_ms,
            max(0, fire.ended_ms - fire.started_ms),
            items,
            failed[items[0]] if items else "",
            fire.summary,
        )
        self._book.run_ended(ended, now_ms)

    def _tell_drop(self, fire: FireRecord, now_ms: int) -> None:
        if fire.reason in _TOLD_DROPS and fire.job_name in self._state.jobs:
            dropped = FiresDropped(
                fire.fire_id,
                fire.job_name,
                self._app_of(fire),
                fire.reason,
                fire.count,
                fire.due_ms,
                fire.last_due_ms,
            )
            self._book.fires_dropped(dropped, now_ms)

    def _tell_execution(self, execution: ExecutionTrace, now_ms: int) -> None:
        """Tell of one execution of a daemon, which counts like a run of one shard."""
        job_name = execution.job_name
        run = self._state.runs.get(job_name)
        if run is None or not self._state.is_enabled(job_name):
            return
        is_failed = not execution.is_success
        ended = RunEnded(
            run.fire.fire_id,
            job_name,
            execution.app_name,
            RunOutcome.FAILED if is_failed else RunOutcome.SUCCEEDED,
            execution.complete_ms,
            0,
            (execution.sharding_item,) if is_failed else (),
            execution.hostname,
            execution.summary,
        )
        self._book.run_ended(ended, now_ms)

    def _tell_attempts(self, traces: list[StatusTrace], now_ms: int) -> set[str]:
        """Note which shards failed, and tell of daemons that start again; give the tasks that were killed."""
        killed: set[str] = set()
        for trace in traces:
            end = trace.attempt_end
            if end is None:
                if trace.state == TaskState.STAGING and trace.execution_type == TaskType.FAILOVER:
                    self._tell_restart(trace, now_ms)
            elif end.success:
                if end.fire_id in self._failed:
                    self._failed[end.fire_id].pop(trace.sharding_item, None)
            elif trace.state == TaskState.KILLED:
                killed.add(trace.task_id)
            else:
                host = self._hosts.get(trace.slave_id, "")
                self._failed.setdefault(end.fire_id, {})[trace.sharding_item] = host
        return killed

    def _tell_restart(self, trace: StatusTrace, now_ms: int) -> None:
        run = self._state.runs.get(trace.job_name)
        if run is None or run.fire.source is not FireSource.DAEMON:
            return
        fire = run.fire
        restarted = DaemonRestarted(
            fire.fire_id,
            fire.job_name,
            self._app_of(fire),
            trace.sharding_item,
            now_ms,
            self._hosts.get(trace.slave_id, ""),
            run.failures.get(trace.sharding_item, ""),
        )
        self._book.daemon_restarted(restarted, now_ms)

    def _app_of(self, fire: FireRecord) -> str:
        """Give a fire's app. Fires of earlier versions do not name it."""
        if fire.app_name or fire.job_name not in self._state.jobs:
            return fire.app_name
        return self._state.jobs[fire.job_name].configuration.app_name

    def _where_it_runs(self, job_name: str) -> str:
        task_id = next(iter(self._state.tasks_of_job.get(job_name, ())), None)
        return "" if task_id is None else self._hosts.get(self._state.tasks[task_id].agent_id, "")

    # Room

    def _look_for_room(self, now: Now) -> None:
        state = self._state
        if not (state.waiting or state.failovers or self._book.has_unplaceable):
            self._look_ms = None
        elif self._look_ms is None:
            self._look_ms = now.monotonic_ms + _LOOK_FOR_ROOM_MS
        elif now.monotonic_ms >= self._look_ms:
            self._look_ms = now.monotonic_ms + _LOOK_FOR_ROOM_MS
            # Without agents nobody can tell; that there is none is an alert already.
            if next(state.fleet.open_agents(), None) is not None:
                self._book.put_unplaceable(unplaceable_jobs(state), now.wall_ms)

    def _leave(self, agent_id: str) -> str:
        self._gone.append(agent_id)
        return self._hosts.get(agent_id, "")

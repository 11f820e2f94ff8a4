"""What the book of alerts is told of a turn: it is read from the rows that the turn writes, so the two cannot differ.

It decides nothing about alerts. A turn costs what has happened in it; only what waits without room is looked at as a
whole, every ten seconds.
"""

from collections.abc import Callable
from typing import Final

from elasticjob_cloud.model.alerting.changes import AlertSnapshot
from elasticjob_cloud.model.alerting.events import (
    DaemonRestarted,
    FiresDropped,
    RunEnded,
    RunOutcome,
    RunStarted,
    RunWaits,
    WatchedJob,
)
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.fire import DropReason, FireSource, FireState, RunState
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    DisksMeasured,
    host_in_agent_id,
)
from elasticjob_cloud.model.records import ExecutionTrace, FireRecord, StatusTrace
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.alerts import AlertBook
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.runs.unmet import unplaceable_jobs
from elasticjob_cloud.scheduling.state.decisions import Decisions
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
    """Tells the book. It knows what the rows of one turn alone do not say.

    `explain` says why a job's next run has not started.
    """

    def __init__(
        self,
        snapshot: AlertSnapshot,
        state: ReadOnlyState,
        new_id: Callable[[], str],
        explain: Callable[[str], str],
    ) -> None:
        self.book = AlertBook(snapshot, new_id, explain, self.running)
        self._state = state
        self._hosts: dict[str, str] = {}  # of agents that are there
        self._gone: list[str] = []  # agents that went in this turn: their hosts are still asked for
        self._failed: dict[int, dict[int, str]] = {}  # by run: the shards that failed last, and where
        self._look_ms: int | None = None  # monotonic: when to look again for what can never be placed

    def tell_record(self, now_ms: int) -> None:
        """Tell what a new leader finds in the record."""
        book, state = self.book, self._state
        for job_name in state.jobs:
            self._watch(job_name, now_ms)
        for fires in state.waiting.values():
            for fire in fires:
                self._tell_fire(fire, now_ms)
        for run in state.runs.values():
            if book.asks_for(run.fire.fire_id, run.fire.job_name):
                self._tell_fire(run.fire, now_ms)
        book.taken_over(now_ms)

    def tell_agent(self, event: AgentJoined | AgentLost | AgentDraining | DisksMeasured, now_ms: int) -> None:
        """Tell that an agent came or went, or measured its disks, before the state knows."""
        match event:
            case AgentJoined():
                info = event.inventory.agent
                self._hosts[info.agent_id] = info.hostname
                for host in {info.hostname, info.host_in_id}:
                    self.book.agent_came(host, now_ms)
                self._tell_disks(info.agent_id, info.disks, now_ms)
            case DisksMeasured():
                self._tell_disks(event.agent_id, event.disks, now_ms)
            case AgentLost():
                self._tell_loss(event, now_ms)
            case AgentDraining():
                pass

    def _tell_loss(self, event: AgentLost, now_ms: int) -> None:
        """Tell of an agent that is gone and was not asked to go.

        One that this leader never met was lost while nobody led, unless all that it ran is known to have ended: then it
        may have gone in good order.
        """
        agent_id, state = event.agent_id, self._state
        if agent_id in self._hosts:
            host = self._leave(agent_id)
            is_lost = agent_id not in state.fleet.draining
        else:
            host = host_in_agent_id(agent_id)
            is_lost = bool(state.tasks_of_agent.get(agent_id))
        if is_lost:
            self.book.agent_lost(host, event.reason, now_ms)
            if any(self._hosts.get(other) == host for other in state.agents if other != agent_id):
                self.book.agent_came(host, now_ms)  # its successor joined first
        self.book.agent_left(agent_id, now_ms)

    def _tell_disks(self, agent_id: str, disks: tuple[Disk, ...], now_ms: int) -> None:
        host = self._hosts.get(agent_id)
        if host is not None:  # else it was lost meanwhile
            for disk in disks:
                self.book.disk_measured(agent_id, host, disk, now_ms)

    def tell_turn(self, turn: Turn) -> None:
        """Tell all that a turn has decided."""
        now_ms, changes = turn.now_ms, turn.decisions.changes
        self._tell_jobs(turn)
        killed: set[str] = set()
        if self._failed or _has_losses(turn.decisions):
            killed = self._tell_attempts(changes.status_traces, now_ms)
        for execution in changes.executions:
            if execution.app_name and execution.task_id not in killed:
                self._tell_execution(execution, now_ms)
        asks_for = self.book.asks_for
        for fire in changes.fires.values():
            is_well = fire.state is FireState.RUNNING or fire.outcome is RunState.SUCCEEDED
            if not is_well or asks_for(fire.fire_id, fire.job_name):
                self._tell_fire(fire, now_ms)
        for agent_id in turn.decisions.released:
            self._leave(agent_id)
            self.book.agent_left(agent_id, now_ms)
        if not self._state.agents:
            self.book.no_agent(now_ms)
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
        self.book.watch_job(WatchedJob(job_name, job.configuration.app_name, is_disabled), now_ms)

    # Runs

    def _tell_fire(self, fire: FireRecord, now_ms: int) -> None:
        if fire.job_name not in self._state.jobs:  # a job that is gone has no alerts
            self._failed.pop(fire.fire_id, None)
            self.book.run_gone(fire.fire_id, now_ms)
            return
        match fire.state:
            case FireState.WAITING:
                waits = RunWaits(fire.fire_id, fire.job_name, self._app_of(fire), fire.due_ms)
                self.book.run_waits(waits, now_ms)
            case FireState.RUNNING if fire.source is not FireSource.DAEMON:
                self.book.run_started(self._started(fire), now_ms)
            case FireState.COMPLETED:
                self._tell_end(fire, now_ms)
            case FireState.DROPPED:
                self.book.run_gone(fire.fire_id, now_ms)
                self._tell_drop(fire, now_ms)
            case _:
                self.book.run_gone(fire.fire_id, now_ms)  # a daemon waits no more

    def running(self, job_name: str) -> RunStarted | None:
        """Give the run of a job that goes on. Those of daemons never end, and are not told."""
        run = self._state.runs.get(job_name)
        if run is None or run.fire.source is FireSource.DAEMON:
            return None
        return self._started(run.fire)

    def _started(self, fire: FireRecord) -> RunStarted:
        where = self._where_it_runs(fire.job_name)
        return RunStarted(fire.fire_id, fire.job_name, self._app_of(fire), fire.started_ms, where)

    def _tell_end(self, fire: FireRecord, now_ms: int) -> None:
        failed = self._failed.pop(fire.fire_id, {})
        if fire.source is FireSource.DAEMON:  # what it does is told by its executions
            self.book.run_gone(fire.fire_id, now_ms)
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
            fire.items,
        )
        self.book.run_ended(ended, now_ms)

    def _tell_drop(self, fire: FireRecord, now_ms: int) -> None:
        if fire.reason in _TOLD_DROPS:
            dropped = FiresDropped(
                fire.fire_id,
                fire.job_name,
                self._app_of(fire),
                fire.reason,
                fire.count,
                fire.due_ms,
                fire.last_due_ms,
            )
            self.book.fires_dropped(dropped, now_ms)

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
        self.book.run_ended(ended, now_ms)

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
            elif end.is_killed:
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
        self.book.daemon_restarted(restarted, now_ms)

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
        if not (state.waiting or state.failovers or self.book.has_unplaceable):
            self._look_ms = None
        elif self._look_ms is None:
            self._look_ms = now.monotonic_ms + _LOOK_FOR_ROOM_MS
        elif now.monotonic_ms >= self._look_ms:
            self._look_ms = now.monotonic_ms + _LOOK_FOR_ROOM_MS
            # Without agents nobody can tell; that there is none is an alert already.
            if next(state.fleet.open_agents(), None) is not None:
                self.book.put_unplaceable(unplaceable_jobs(state), now.wall_ms)

    def _leave(self, agent_id: str) -> str:
        self._gone.append(agent_id)
        return self._hosts.get(agent_id, "")


def _has_losses(decisions: Decisions) -> bool:
    """Tell whether an attempt did not succeed, or was started again; else the traces have nothing to tell."""
    return bool(
        decisions.changes.failovers
        or decisions.ended.keys() - {TaskState.FINISHED}
        or decisions.executions.keys() - {ShardResult.SUCCEEDED}
    )

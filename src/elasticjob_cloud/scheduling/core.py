"""The core: events in with the time, decisions out. It owns the state, which only its turns change.

It is pure: no I/O, no clock, no threads, no randomness of its own. The caller must commit `Decisions.changes` before
sending any of its commands, and must throw the core away (and build a new one from the store) when a commit fails.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import assert_never

from elasticjob_cloud.model.errors import CallerError, UnavailableError
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    DisksMeasured,
    EngineEvent,
)
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.scheduling.agents.membership import (
    take_agent_draining,
    take_agent_events,
    take_agent_joined,
    take_agent_lost,
)
from elasticjob_cloud.scheduling.agents.release import release_drained_agents, release_idle_agents
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.commands import Request
from elasticjob_cloud.scheduling.configuration.dispatch import carry_out, is_decidable
from elasticjob_cloud.scheduling.fires.catching_up import note_due, note_skipped, record_due, record_missed
from elasticjob_cloud.scheduling.fires.rewinding import note_jobs_ahead
from elasticjob_cloud.scheduling.measurements import CommitTook, DiskMeasured, Measurement
from elasticjob_cloud.scheduling.placement.refusals import EmptyAgents
from elasticjob_cloud.scheduling.runs.demands import demand_of
from elasticjob_cloud.scheduling.runs.launching import start_what_can
from elasticjob_cloud.scheduling.runs.retries import limit_retries, shift_retries
from elasticjob_cloud.scheduling.runs.unmet import unmet_runs, unplaceable_jobs
from elasticjob_cloud.scheduling.settings import CoreSettings
from elasticjob_cloud.scheduling.state.decisions import Decisions
from elasticjob_cloud.scheduling.state.state import State
from elasticjob_cloud.scheduling.state.turn import Turn
from elasticjob_cloud.scheduling.state.view import ReadOnlyState
from elasticjob_cloud.scheduling.takeover import take_up_jobs
from elasticjob_cloud.scheduling.witness import Witness

Event = Request | EngineEvent | Measurement
_AgentEvent = AgentJoined | AgentLost | AgentDraining | DisksMeasured
_WAITS_FOR_ITSELF = "Waits until the job's earlier run has ended."


class Core:
    """Decides what is fired, queued, placed, launched, killed and recorded."""

    def __init__(self, snapshot: Snapshot, settings: CoreSettings, new_id: Callable[[], str]) -> None:
        self._state = State.of(snapshot, settings.placement)
        self.state: ReadOnlyState = self._state
        self._settings = settings
        self._new_id = new_id
        self._last: Now | None = None
        self._empty_agents: EmptyAgents | None = None  # of this turn, for alerts
        self._witness = Witness(snapshot.alerts, self.state, new_id, self._explain_late)
        self._alerts = self._witness.book

    def take_over(self, now: Now) -> Decisions:
        """Go on from the record, once, before the first `handle`: fires that came due while nobody led have misfired.

        Where there are many of them, the next turns of `handle` go on with it.
        """
        turn = self._turn(now)
        self._witness.tell_record(now.wall_ms)
        limit_retries(turn)
        take_up_jobs(turn)
        record_missed(turn)
        note_jobs_ahead(turn)
        return self._finish(turn)

    def handle(self, events: Sequence[Event], now: Now) -> Decisions:
        """Take up events in order, and all that has come due by now."""
        turn = self._turn(now)
        jump_ms = self._jump_ms(now)
        if abs(jump_ms) > self._settings.clock_jump_ms:
            self._alerts.clock_jumped(jump_ms, now.wall_ms)
        if jump_ms > self._settings.clock_jump_ms:
            note_skipped(turn, now.wall_ms - self._settings.clock_jump_ms)
        elif jump_ms < -self._settings.clock_jump_ms:
            shift_retries(turn, jump_ms)
            turn.backlog.miss_nothing_after(now.wall_ms)
            note_jobs_ahead(turn)
        requests = [event for event in events if isinstance(event, Request)]
        for event in events:
            if isinstance(event, AgentEvents):  # the most frequent ones
                take_agent_events(turn, event)
            elif not isinstance(event, Request):
                self._take_event(turn, event)
        # After the statuses: a run that ended in time is no reason to misfire. Before the requests, which settle what is
        # due of the jobs that they change: disabling a job must not swallow an earlier fire.
        record_missed(turn)
        note_due(turn)
        record_due(turn)
        for request in requests:
            _take_request(turn, request)
        return self._finish(turn)

    def next_due_ms(self) -> int | None:
        """Give the wall time at which something comes due by itself, for the loop to sleep until."""
        assert self._last is not None, "take_over comes first"
        due = (self.next_start_ms(), self._alerts.next_ms(), self._witness.next_ms(self._last))
        return min((it for it in due if it is not None), default=None)

    def next_start_ms(self) -> int | None:
        """Give the wall time at which a fire comes due, or a shard may be started again."""
        state = self._state
        if state.backlog:
            assert self._last is not None, "take_over comes first"
            oldest_ms = state.backlog.oldest_due_ms()
            return self._last.wall_ms if oldest_ms is None else min(oldest_ms, self._last.wall_ms)
        due = (
            state.triggers.next_due_ms(),
            state.retries.next_due_ms(lambda fire_id, item: (fire_id, item) in state.failovers),
        )
        return min((it for it in due if it is not None), default=None)

    def explain_waiting(self, job_name: str) -> str:
        """Say why the next run of a job in the ready queue has not started (promise 4)."""
        return self._explain(EmptyAgents(self.state.agents.values()), job_name)

    def explain_waiting_jobs(self, job_names: Iterable[str]) -> dict[str, str]:
        """Say of these jobs, which are in the ready queue, why the next run of each has not started."""
        agents = EmptyAgents(self.state.agents.values())
        return {job_name: self._explain(agents, job_name) for job_name in job_names}

    def unplaceable_jobs(self) -> dict[str, str]:
        """Give the jobs whose next run, or a shard of it that failed over, no present set of agents could ever hold.

        Each with what it lacks (promise 4).
        """
        return unplaceable_jobs(self.state)

    @property
    def slow_commit_ms(self) -> int | None:
        """How long a commit takes that the core wants to hear of; None: of none."""
        return self._alerts.slow_commit_ms

    def unmet_room(self, limit: int, waited_ms: int = 0) -> list[tuple[tuple[float, float], ...]]:
        """Give the runs that have waited so long for room: CPUs and MB of each of their shards, up to so many in all.

        Runs that wait for their job's earlier run need nothing yet. The time is that of the last turn.
        """
        if self._last is None:
            return []
        runs = unmet_runs(self.state, limit, self._last.wall_ms - waited_ms)
        return [tuple((room.milli_cpus / 1000, room.memory_kib / 1024) for room in run) for run in runs]

    def _explain(self, agents: EmptyAgents, job_name: str) -> str:
        fire = self.state.ready_fire(job_name)
        return _WAITS_FOR_ITSELF if fire is None else agents.explain(demand_of(self.state, fire))

    def _take_event(self, turn: Turn, event: _AgentEvent | Measurement) -> None:
        match event:
            case CommitTook():
                self._alerts.database_took(event.milliseconds, turn.now_ms)
            case DiskMeasured():
                self._alerts.disk_measured("", event.host, event.disk, turn.now_ms)
            case _:
                self._witness.tell_agent(event, turn.now_ms)
                _take_agent_event(turn, event)

    def _turn(self, now: Now) -> Turn:
        return Turn(self._state, self._settings, now, self._new_id, self._alerts)

    def _finish(self, turn: Turn) -> Decisions:
        start_what_can(turn)
        turn.schedules.forget_in_time()
        release_drained_agents(turn)
        release_idle_agents(turn)
        self._last = turn.now
        self._witness.tell_turn(turn)
        self._empty_agents = None
        self._alerts.advance(turn.now_ms)
        turn.decisions.changes.alerts = self._alerts.take_changes()
        return turn.finish()

    def _explain_late(self, job_name: str) -> str:
        if self._empty_agents is None:
            self._empty_agents = EmptyAgents(self.state.agents.values())
        return self._explain(self._empty_agents, job_name)

    def _jump_ms(self, now: Now) -> int:
        assert self._last is not None, "take_over comes first"
        return (now.wall_ms - self._last.wall_ms) - (now.monotonic_ms - self._last.monotonic_ms)


def _take_agent_event(turn: Turn, event: _AgentEvent) -> None:
    match event:
        case AgentJoined():
            take_agent_joined(turn, event)
        case AgentLost():
            take_agent_lost(turn, event)
        case AgentDraining():
            take_agent_draining(turn, event)
        case DisksMeasured():
            turn.agents.note_disks(event.agent_id, event.disks)
        case _:
            assert_never(event)


def _take_request(turn: Turn, request: Request) -> None:
    if not is_decidable(turn, request.command):
        turn.decisions.deferred.append(request)
        return
    try:
        run_id = carry_out(turn, request.command)
    except (CallerError, UnavailableError) as error:
        turn.decisions.outcomes[request.number] = error
    else:
        turn.decisions.outcomes[request.number] = None
        if run_id is not None:
            turn.decisions.run_ids[request.number] = run_id

"""Holds a world against the promises of `docs/semantics.md`, at each start, each commit and at the end."""

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.fire import CRON_SOURCES, FireSource, FireState
from elasticjob_cloud.model.messages import AgentDraining, AgentEvent, AgentJoined, Launch, TaskStatus
from elasticjob_cloud.model.records import FireRecord, JobRecord
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling import Core, CoreSettings, Decisions, Event, Now
from elasticjob_cloud.scheduling.commands import ReconcileClock, TriggerJob
from elasticjob_cloud.scheduling.fires.rewinding import without
from elasticjob_cloud.scheduling.placement.room import NOTHING, Room
from elasticjob_cloud.scheduling.runs.demands import demand_of, shards_demand
from tests.simulation.checking.run_checker import RunChecker
from tests.simulation.store_model import MemoryStore

_ATTEMPTS = CoreSettings().failover_attempts
_LONG_MS = 1_200_000
_LONG_PASS_MS = 3 * 3_600_000  # longer than clocks are set back by


@dataclass
class Schedule:
    """A time in which a job's cron was in force: from when, over which committed turns."""

    job_name: str
    cron: CronExpression
    zone: ZoneInfo
    since_ms: int
    first_turn: int
    last_turn: int | None = None
    fire_ids: list[int] = field(default_factory=list)
    taken: tuple[tuple[int, int], ...] = ()  # due times that were taken up before, while the clock was ahead

    @property
    def look_from_ms(self) -> int:
        """Where to begin the search for its due times: before the hours that come twice, where clocks go back then."""
        around = [
            dt.datetime.fromtimestamp((self.since_ms + it) / 1000, self.zone)
            for it in (-_LONG_PASS_MS, _LONG_PASS_MS)
        ]
        return (
            self.since_ms - _LONG_PASS_MS if around[0].utcoffset() != around[1].utcoffset() else self.since_ms
        )

    def may_fire(self, due_ms: int) -> bool:
        """Tell whether a due time of the cron may be recorded."""
        return not any(first <= due_ms <= last for first, last in self.taken)


class Checker:
    """Raises AssertionError, with the promise's number, as soon as one is broken."""

    turns_are_known = True  # all that each turn decides, not only what it commits

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.runs = RunChecker(store)
        self.turn_times_ms: list[int] = []
        self.schedules: list[Schedule] = []
        self._open: dict[str, Schedule] = {}
        self._executing: dict[str, dict[int, str]] = {}  # job -> item -> task id
        self._starts: Counter[tuple[int, int]] = Counter()
        self._seen_tasks: set[str] = set()
        self._latest_ms = 0
        self._enabled_apps: dict[str, bool] = {}
        self._failing_over: set[int] = set()
        self._seen_fires: set[int] = set()
        self._started_fires: set[int] = set()
        self._accepted_triggers: Counter[str] = Counter()
        self._executions: Counter[tuple[str, int]] = Counter()
        self._skipped: dict[str, list[tuple[int, int]]] = {}  # dropped all at once, since the last repair
        self._taken: dict[str, tuple[tuple[int, int], ...]] = {}
        self._runs: set[tuple[str, int]] = set()  # cron fires of each job that ran, while it is registered
        self._draining: set[str] = set()
        self._placed: set[str] = set()
        self._since_ms: dict[str, int] = {}
        self._evaluated_ms: dict[str, int] = {}  # up to when each job's cron was seen to be evaluated

    def task_starts(self, task_id: str, launch: Launch) -> None:
        """Promises 2, 3, 5 and 6: recorded before, never twice, no overlap."""
        record = self.store.all_tasks.get(task_id)
        assert record is not None, f"promise 2: {task_id} was launched before it was recorded"
        assert task_id not in self._seen_tasks, f"promise 2: {task_id} was started twice"
        self._seen_tasks.add(task_id)
        executing = self._executing.setdefault(record.job_name, {})
        assert record.item not in executing, f"promise 5: {task_id} and {executing[record.item]} at once"
        for other in executing.values():
            assert self.store.all_tasks[other].fire_id == record.fire_id, (
                f"promise 3: {task_id} overlaps {other}"
            )
        executing[record.item] = task_id
        self._starts[record.fire_id, record.item] += 1
        if launch.job.fails_over:
            self._failing_over.add(record.fire_id)
        else:
            assert self._starts[record.fire_id, record.item] == 1, f"promise 6: {task_id} runs a second time"

    def task_ends(self, task_id: str) -> None:
        """A task executes no more."""
        record = self.store.all_tasks[task_id]
        del self._executing[record.job_name][record.item]

    def agents_told(self, events: Iterable[Event]) -> None:
        """Note the agents of which the scheduler knows from this turn on that they drain."""
        for event in events:
            if isinstance(event, AgentDraining):
                self._draining.add(event.agent_id)
            elif isinstance(event, AgentJoined) and event.inventory.agent.draining:
                self._draining.add(event.inventory.agent.agent_id)

    def turn_committed(self, decisions: Decisions, now: Now, requests: list[Any]) -> None:
        """Promises 1, 4 and 10: a run's tasks are recorded together; fires are never early."""
        self.turn_times_ms.append(now.wall_ms)
        self._latest_ms = max(self._latest_ms, now.wall_ms)
        self._attribute(decisions)
        self.runs.turn_committed(decisions)
        for trace in decisions.changes.executions:
            key = (trace.task_id, trace.start_ms)
            self._executions[key] += 1
            assert self._executions[key] == 1, f"promise 2: {trace} is recorded twice"
        staged: Counter[int] = Counter()
        for task in decisions.changes.tasks.values():
            if task is not None and task.task_id not in self._placed:
                self._placed.add(task.task_id)
                drains = task.agent_id in self._draining
                assert not drains, f"draining: {task.task_id} was placed on an agent that takes no new tasks"
            if task is not None and task.state is TaskState.STAGING and not task.kill_reason:
                staged[task.fire_id] += task.type is TaskType.READY and task.attempt == 1
        for fire in decisions.changes.fires.values():
            # In clusters the clock may have been set back between the turn's look at it and the commit.
            latest_ms = max(self._latest_ms, fire.recorded_ms)
            assert fire.due_ms <= latest_ms, f"promise 10: {fire} is early"
            if fire.state is FireState.RUNNING and not fire.reason:
                self._check_whole_run(fire, staged[fire.fire_id])
        for name, job in decisions.changes.jobs.items():
            # Only an update or a registration sets since when a job's settings hold.
            updated = job is not None and self._since_ms.get(name) != job.since_ms
            self._follow(name, job, now, repairs=updated)
            if job is not None:
                self._since_ms[name] = job.since_ms
        if any(
            request is not None and error is None and isinstance(request[0], ReconcileClock)
            for request, error in zip(requests, decisions.outcomes.values(), strict=True)
        ):
            for name, job in self.store.jobs.items():
                if self._evaluated_ms.get(name, 0) > now.wall_ms:
                    self._follow(name, job, now, repairs=True)
        for app_name, app in decisions.changes.apps.items():
            enabled = app is not None and not app.disabled and not app.removing
            if self._enabled_apps.get(app_name) != enabled:
                self._enabled_apps[app_name] = enabled
                for name, followed in list(self.store.jobs.items()):
                    if followed.configuration.app_name == app_name:
                        self._follow(name, followed, now)
        for request, number in zip(requests, decisions.outcomes, strict=True):
            if request is not None and self.runs.accept(request[0], decisions.run_ids.get(number)):
                self._accepted_triggers[request[0].job_name] += isinstance(request[0], TriggerJob)

    def acknowledged(self, events: Iterable[AgentEvent]) -> None:
        """Promise 9: what an agent may forget is recorded."""
        for event in events:
            if isinstance(event, TaskStatus) and event.execution is not None:
                key = (event.task_id, event.execution.start_ms)
                task = self.store.all_tasks[event.task_id]
                recorded = self._executions[key] == 1 or task.kill_reason or event.state.is_terminal
                assert recorded, f"promise 9: {event} was acknowledged, and is not recorded"

    def check_room(self, core: Core) -> None:
        """Promise 4: what is reserved is the sum of what is live, and nothing is oversold."""
        for agent in core.state.agents.values():
            tasks = [core.state.tasks[task_id] for task_id in agent.task_ids]
            used = NOTHING
            for task in tasks:
                used = used.plus(Room.of(task.cpu_count, task.memory_mb))
            for executor in agent.executors.values():
                used = used.plus(executor.room)
            assert agent.total.minus(used) == agent.free, (
                f"promise 4: {agent.info.agent_id} has {agent.free} free"
            )
            assert min(agent.free) >= 0, f"promise 4: {agent.info.agent_id} is oversold"
            assert agent.task_ids == set(core.state.tasks_of_agent.get(agent.info.agent_id, ()))

    def check_queues(self, core: Core, now_ms: int) -> None:
        """Promises 1 and 4: nothing waits that has room, and nothing waits that is in no queue."""
        state = core.state
        demands = {demand_of(state, fire) for fire in state.ready_fires()}
        for failover in state.failovers.values():
            configuration = state.runs[failover.job_name].configuration
            assert configuration is not None, f"promise 6: {failover} waits for a job that is gone"
            if failover.due_ms <= now_ms:
                demands.add(shards_demand(state.apps[configuration.app_name], configuration, 1))
        for demand in demands:
            kind = demand.kind
            room = sum(kind.room_on(agent).count_of(kind.shard) for agent in state.fleet.open_agents())
            assert room < demand.shards, f"promise 4: {demand} waits though there is room for {room}"
        for run in state.runs.values():
            items = {state.tasks[task_id].item for task_id in state.tasks_of_job.get(run.fire.job_name, ())}
            items |= {item for item in run.open_items if (run.fire.fire_id, item) in state.failovers}
            assert items == run.open_items, (
                f"promise 1: {run.fire} waits for {run.open_items}, live are {items}"
            )
            assert items, f"promise 1: {run.fire} never ends"

    def check_progress(self, now_ms: int, calm_ms: int = _LONG_MS) -> None:
        """Nothing is stuck: called after so long a calm that every task that can end has had the time to."""
        for task in self.store.tasks.values():
            age_ms = now_ms - task.staged_ms
            stuck = task.state is TaskState.STAGING and age_ms > calm_ms
            assert not stuck, f"promise 1: {task.task_id} is staging for {age_ms} ms"
        for fire in self.store.fires.values():
            job = self.store.jobs.get(fire.job_name)
            if fire.state is FireState.RUNNING and job is not None and not job.configuration.is_daemon:
                assert now_ms - fire.started_ms < calm_ms, f"promise 1: {fire} never ends"

    def check_failover(self) -> None:
        """Promise 6: a shard of a job with failover ends well, or was started as often as is promised."""
        attempts: dict[tuple[int, int], list[str]] = {}
        for trace in self.store.status_traces:
            if TaskState(trace.state).is_terminal:
                task = self.store.all_tasks[trace.task_id]
                # A kill that was asked for counts, whatever became of the task in the meantime.
                state = "TASK_KILLED" if task.kill_reason else trace.state
                attempts.setdefault((task.fire_id, task.item), []).append(state)
        for (fire_id, item), states in attempts.items():
            fire = self.store.fires[fire_id]
            if fire_id in self._failing_over and fire.state is FireState.COMPLETED and not fire.reason:
                failures = sum(state in {"TASK_FAILED", "TASK_ERROR"} for state in states)
                done = states[-1] in {"TASK_FINISHED", "TASK_KILLED"} or failures == _ATTEMPTS
                assert done, f"promise 6: item {item} of {fire} ended with {states}"

    def check_end(self, *, quiet: bool) -> None:
        """Promises 1, 2 and 7 over the whole history; `quiet`: all jobs were disabled and all tasks ended."""
        latest_from = list(itertools.accumulate(reversed(self.turn_times_ms), max))[::-1]
        for schedule in self.schedules:
            self._check_schedule(schedule, latest_from)
        self._check_triggers()
        self.check_failover()
        if quiet:
            open_fires = [fire for fire in self.store.fires.values() if fire.state in _OPEN]
            assert not open_fires, f"promise 1: never ended: {open_fires[:3]}"
            assert not self.store.tasks, "tasks are live though all ended"
            assert not any(self._executing.values()), "something still executes"
            self.runs.check_end(turns_are_known=self.turns_are_known)

    def _check_whole_run(self, fire: FireRecord, staged: int) -> None:
        if fire.fire_id in self._started_fires:
            return
        self._started_fires.add(fire.fire_id)
        job = self.store.jobs.get(fire.job_name)
        assert staged, f"promise 4: {fire} started without tasks"
        if job is not None and job.since_ms < fire.started_ms:
            is_jobs_own = fire.configuration is None and not fire.items
            total = job.configuration.sharding_total_count if is_jobs_own else fire.shard_total
            assert staged == total, f"promise 4: {fire} started {staged} of {total} shards"

    def _repair(self, name: str, now_ms: int) -> None:
        """Promise 10: of what lies ahead, only what was dropped all at once may come again."""
        ahead = (now_ms + 1, self._evaluated_ms.get(name, 0))
        skipped = self._skipped.get(name, [])
        if any(first <= ahead[1] and last >= ahead[0] for first, last in skipped):
            self._taken[name] = (*without(ahead, skipped), *self._taken.get(name, ()))
            self._skipped[name] = []
            self._evaluated_ms[name] = now_ms

    def _follow(self, name: str, job: JobRecord | None, now: Now, *, repairs: bool = False) -> None:
        open_schedule = self._open.pop(name, None)
        if open_schedule is not None:
            open_schedule.last_turn = len(self.turn_times_ms) - 1
        app = self.store.apps.get(job.configuration.app_name) if job is not None else None
        if job is None:
            for known in (self._evaluated_ms, self._skipped, self._taken):
                known.pop(name, None)
            self._runs = {it for it in self._runs if it[0] != name}
        if job is None or app is None or job.disabled or app.disabled or app.removing:
            return
        configuration = job.configuration
        if configuration.cron and not configuration.is_daemon:
            # Promise 10: where the clock was set backwards, a schedule that starts afresh repeats no fire.
            if repairs:
                self._repair(name, now.wall_ms)
            since_ms = max(now.wall_ms, self._evaluated_ms.get(name, 0))
            self._evaluated_ms[name] = since_ms
            schedule = Schedule(
                name,
                CronExpression.parse(configuration.cron),
                ZoneInfo(configuration.time_zone or "UTC"),
                since_ms,
                len(self.turn_times_ms),
                taken=self._taken.get(name, ()),
            )
            self._open[name] = schedule
            self.schedules.append(schedule)

    def _check_schedule(self, schedule: Schedule, latest_from: list[int]) -> None:
        first, last = schedule.first_turn, schedule.last_turn
        if last is None:
            times = self.turn_times_ms[first:]
            latest_ms = latest_from[first] if times else schedule.since_ms
        else:
            times = self.turn_times_ms[first : last + 1]
            latest_ms = max(times, default=schedule.since_ms)
        # What a clock showed for a moment, and was set back from, may have been seen to be due or not.
        until_ms = times[-1] if times else schedule.since_ms
        check_fires(
            schedule, [self.store.fires[fire_id] for fire_id in schedule.fire_ids], until_ms, latest_ms
        )

    def _attribute(self, decisions: Decisions) -> None:
        for fire in decisions.changes.fires.values():
            if fire.fire_id not in self._seen_fires:
                self._seen_fires.add(fire.fire_id)
                if fire.source in CRON_SOURCES:
                    self._open[fire.job_name].fire_ids.append(fire.fire_id)
                    self._evaluated_ms[fire.job_name] = max(fire.due_ms, fire.last_due_ms)
                    if fire.last_due_ms:
                        self._skipped.setdefault(fire.job_name, []).append((fire.due_ms, fire.last_due_ms))
                    elif fire.state is not FireState.DROPPED:
                        key = (fire.job_name, fire.due_ms)
                        assert key not in self._runs, f"promise 10: {fire} ran before"
                        self._runs.add(key)

    def _check_triggers(self) -> None:
        recorded = Counter(
            fire.job_name for fire in self.store.fires.values() if fire.source is FireSource.TRIGGER
        )
        assert recorded == self._accepted_triggers, "promise 7: a trigger was accepted and not recorded"


_OPEN = (FireState.WAITING, FireState.RUNNING)


def check_fires(
    schedule: Schedule, fires: Iterable[FireRecord], until_ms: int, latest_ms: int | None = None
) -> None:
    """Promises 1 and 2: each due time up to then is recorded, and once; none after `latest_ms` is."""
    due_ms = schedule.cron.fires_ms(
        schedule.look_from_ms, schedule.zone, until_ms=max(until_ms, latest_ms or 0)
    )
    possible = Counter(it for it in due_ms if it > schedule.since_ms and schedule.may_fire(it))
    expected = Counter({it: 1 for it in possible if it <= until_ms})
    recorded: Counter[int] = Counter()
    for fire in fires:
        recorded.update(_due_times(fire, schedule))
    missing, extra = expected - recorded, recorded - possible
    assert not missing, f"promise 1: {schedule.job_name}: no record of {sorted(missing)[:5]}"
    assert not extra, f"promise 2: {schedule.job_name}: recorded beyond what is due: {sorted(extra)[:5]}"


def _due_times(fire: FireRecord, schedule: Schedule) -> list[int]:
    if fire.count == 1:
        return [fire.due_ms]
    due = [fire.due_ms, *schedule.cron.fires_ms(fire.due_ms, schedule.zone, until_ms=fire.last_due_ms)]
    due = [it for it in due if schedule.may_fire(it)]
    assert len(due) == fire.count, f"{fire} counts {fire.count} fires, its cron has {len(due)}"
    return due

"""A seeded world: a scheduler that crashes, agents that die, connections that break, clocks that jump, users that act.

Time is virtual. The scheduler is the real core on a store in memory; a turn is handled, committed after a while, and
then acted upon, and a crash may come before the commit, or after it and before anything is sent.
"""

import contextlib
import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentLost,
    Command,
    Launch,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, CoreSettings, Decisions, Event, Now, Request
from elasticjob_cloud.scheduling.commands import ApiCommand
from elasticjob_cloud.scheduling.settings import PlacementPolicy
from tests.simulation.agent_model import AgentModel, raises_now_and_then
from tests.simulation.checking.alert_checker import AlertChecker
from tests.simulation.checking.checker import Checker
from tests.simulation.store_model import MemoryStore

START_MS = 1_793_000_000_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Hazards:
    """How wild a world is: chances per turn or per task, and how fast tasks are."""

    crash: float = 0.01
    reconnect: float = 0.01
    agent_death: float = 0.005
    agent_drain: float = 0.005
    clock_jump: float = 0.002
    task_drop: float = 0.02
    task_failure: float = 0.1
    batch_again: float = 0.05  # a batch of an agent's events comes twice
    daemon_pause_ms: float | None = None  # between the executions of daemon tasks; None: they have none
    longest_task_seconds: float = 20.0
    longest_commit_ms: int = 10  # a slow store makes turns larger
    cron_search_ms: float = 0  # what the search for a next fire costs of the scheduler's time
    lease_ms: int = 4_000  # a scheduler whose turn takes longer leads no more
    clock_jumps_ms: tuple[int, ...] = (-HOUR_MS // 4, -5_000, 5_000, HOUR_MS)
    crash_gaps_ms: tuple[int, ...] = (10, 1_000, 1_000, 20_000, 300_000)


class CronSearches:
    """Counts the searches for next fires, where it is told to."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count the searches that are made meanwhile."""
        search = CronExpression.next_fire_ms

        def count_and_search(cron: CronExpression, after_ms: int, zone: ZoneInfo) -> int | None:
            self.count += 1
            return search(cron, after_ms, zone)

        with patch.object(CronExpression, "next_fire_ms", count_and_search):
            yield


class World:
    """Runs events in the order of virtual time until it is told to stop."""

    def __init__(
        self, seed: int, hazards: Hazards, *, agents: int = 2, settings: CoreSettings | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.searches = CronSearches()
        self.hazards = hazards
        placement = self.random.choice(list(PlacementPolicy))
        self.settings = settings or CoreSettings(time_zone="UTC", fires_a_turn=2, placement=placement)
        self.store = MemoryStore()
        self.checker = Checker(self.store)
        self.alert_checker = AlertChecker(self.store)
        self.monotonic_ms = 1_000_000
        self.wall_offset_ms = START_MS
        self.agents: dict[str, AgentModel] = {}
        self.history: list[str] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._numbers = itertools.count(1)
        self._core: Core | None = None
        self._life = 0
        self._inbox: list[Event] = []
        self._turn_pending = False
        self._busy = False
        self._requests: dict[int, tuple[ApiCommand, Callable[[Exception | None], None] | None]] = {}
        self._turns = 0
        self.check_room_every = 1  # it costs as much as there are live tasks
        for _ in range(agents):
            self._add_agent()
        self._start_scheduler()

    # Time

    def now(self) -> Now:
        """Read both clocks."""
        return Now(self.monotonic_ms + self.wall_offset_ms, self.monotonic_ms)

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        """Have something happen after a while."""
        heapq.heappush(self._events, (self.monotonic_ms + max(0, int(delay_ms)), next(self._order), action))

    def run(self, until_ms: int) -> None:
        """Let time pass up to this much after the start."""
        end_ms = 1_000_000 + until_ms
        while self._events and self._events[0][0] <= end_ms:
            self.monotonic_ms, _, action = heapq.heappop(self._events)
            action()
        self.monotonic_ms = end_ms

    # What users do

    def request(self, command: ApiCommand, answer: Callable[[Exception | None], None] | None = None) -> None:
        """Send a command to the scheduler; nobody answers while there is none."""
        if self._core is None:
            return
        number = next(self._numbers)
        self._requests[number] = (command, answer)
        self._inbox.append(Request(number, command))
        self._schedule_turn(0)

    # What agents do

    def choose_outcome(self, launch: Launch) -> tuple[float | None, TaskState]:
        """Give how long a task runs (None: until it is killed) and how it ends; DROPPED: it never starts."""
        if self.random.random() < self.hazards.task_drop:
            return None, TaskState.DROPPED
        if launch.job.is_daemon and self.random.random() > self.hazards.task_failure:
            return None, TaskState.FINISHED
        seconds = self.random.random() ** 3 * self.hazards.longest_task_seconds
        if self.random.random() < self.hazards.task_failure:
            return seconds, self.random.choice((TaskState.FAILED, TaskState.ERROR, TaskState.LOST))
        return seconds, TaskState.FINISHED

    def note_start(self, agent: AgentModel, task_id: str, launch: Launch) -> None:
        """A task begins to execute."""
        self._log(f"{agent.info.agent_id} starts {task_id}")
        self.checker.task_starts(task_id, launch)

    def note_end(self, task_id: str) -> None:
        """A task executes no more."""
        self.checker.task_ends(task_id)

    def note_word(self, status: TaskStatus) -> None:
        """An agent knows how a task ended."""
        self.checker.runs.agent_says(status)

    def raises(self, execution: str) -> bool:
        """Tell whether job code raises, though its task finishes. It costs no dice of the world's."""
        return raises_now_and_then(execution)

    def agent_has_news(self, agent: AgentModel) -> None:
        """Carry an agent's news to the scheduler, in order, after a while."""
        self.after(self.random.randrange(1, 20), lambda: self._deliver_news(agent, self._life))

    def frozen_ms(self, agent: AgentModel) -> int:
        """Machines do not freeze here; those of the clusters do."""
        return 0

    def _deliver_news(self, agent: AgentModel, life: int) -> None:
        if not agent.alive or self._core is None or life != self._life:
            return
        batch = agent.flush()
        if batch is not None:
            self._inbox.append(AgentEvents(agent.info.agent_id, *batch))
            if self.random.random() < self.hazards.batch_again:
                again = self.random.choice(sorted(agent.unacknowledged))
                self._inbox.append(
                    AgentEvents(agent.info.agent_id, again, tuple(agent.unacknowledged[again]))
                )
            self._schedule_turn(0)

    # The scheduler

    def _start_scheduler(self) -> None:
        self._life += 1
        self._core = Core(self.store.load(), self.settings, lambda: f"{self.random.getrandbits(64):016x}")
        self._inbox.clear()
        self._requests.clear()
        self._busy = True
        self._log("the scheduler starts")
        now, searches = self.now(), self.searches.count
        decisions = self._core.take_over(now)
        self._commit_later(decisions, [], now, self._cost_ms(searches))
        known = {task.agent_id for task in self.store.tasks.values()}
        for agent_id in sorted(known - {it.info.agent_id for it in self.agents.values() if it.alive}):
            self._inbox.append(AgentLost(agent_id, "it died while nobody led"))
        for agent in self.agents.values():
            self._inbox.extend(agent.greet())

    def _crash_scheduler(self) -> None:
        self._log("the scheduler crashes")
        self._life += 1
        self._core = None
        self._busy = False
        gap_ms = self.random.choice(self.hazards.crash_gaps_ms)
        self.after(gap_ms, self._start_scheduler)

    def _schedule_turn(self, delay_ms: float) -> None:
        life = self._life

        def turn() -> None:
            if life == self._life and not self._busy:
                self._turn()

        self.after(delay_ms, turn)

    def _turn(self) -> None:
        core = self._core
        if core is None:
            return
        now = self.now()
        if not self._inbox:
            due_ms = core.next_due_ms()
            if due_ms is None or due_ms > now.wall_ms:
                return
        events, self._inbox = self._inbox, []
        searches = self.searches.count
        decisions = core.handle(events, now)
        self._busy = True
        self._commit_later(decisions, events, now, self._cost_ms(searches))

    def _cost_ms(self, searches_before: int) -> float:
        return (self.searches.count - searches_before) * self.hazards.cron_search_ms

    def _commit_later(self, decisions: Decisions, events: list[Event], now: Now, cost_ms: float) -> None:
        life = self._life
        crash = self.random.random()

        def commit() -> None:
            if life != self._life:
                return
            if cost_ms > self.hazards.lease_ms:
                self._log(f"a turn of {cost_ms} ms outlasts the lease")
            if crash < self.hazards.crash / 2 or cost_ms > self.hazards.lease_ms:
                self._crash_scheduler()
                return
            self.store.commit(decisions.changes)
            self.alert_checker.turn_committed(decisions.changes, now.wall_ms)
            self.checker.agents_told(events)
            self.checker.turn_committed(
                decisions, now, [self._requests.get(number) for number in decisions.outcomes]
            )
            if crash < self.hazards.crash:
                self._crash_scheduler()
                return
            self._act(decisions, events, now)

        self.after(cost_ms + self.random.randrange(1, self.hazards.longest_commit_ms), commit)

    def _act(self, decisions: Decisions, events: list[Event], now: Now) -> None:
        for agent_id, commands in decisions.commands.items():
            if agent_id in self.agents:  # else it was taken away meanwhile
                self._send(self.agents[agent_id], commands)
        for agent_id in decisions.released:
            self._release(agent_id)
        for event in events:
            if isinstance(event, AgentEvents) and event.agent_id in self.agents:
                agent = self.agents[event.agent_id]
                self.checker.acknowledged(agent.told_up_to(event.sequence))
                agent.acknowledge(event.sequence)
        self._inbox[:0] = decisions.deferred
        for number, error in decisions.outcomes.items():
            _, answer = self._requests.pop(number)
            if answer is not None:
                answer(error)
        self._busy = False
        core = self._core
        assert core is not None, "who acts has not crashed"
        self._turns += 1
        if self._turns % self.check_room_every == 0:
            self.checker.check_room(core)
            if self._turns % (5 * self.check_room_every) == 0:
                self.checker.check_queues(core, now.wall_ms)
        self._misbehave()
        self._plan_next_turn()

    def _plan_next_turn(self) -> None:
        if self._core is None:
            return
        if self._inbox:
            self._schedule_turn(0)
            return
        due_ms = self._core.next_due_ms()
        if due_ms is not None:
            self._schedule_turn(due_ms - self.now().wall_ms)

    def _send(self, agent: AgentModel, commands: list[Command]) -> None:
        life = self._life

        def deliver() -> None:
            if not agent.alive or life != self._life:
                return
            for command in commands:
                agent.take(command)

        self.after(self.random.randrange(0, 5), deliver)

    # Mishaps

    def _misbehave(self) -> None:
        chance = self.random.random
        if chance() < self.hazards.agent_death and self.agents:
            self._kill_agent(self.random.choice(sorted(self.agents)))
        if chance() < self.hazards.reconnect and self.agents:
            agent = self.agents[self.random.choice(sorted(self.agents))]
            self._log(f"{agent.info.agent_id} reconnects")
            self._inbox.extend(agent.greet())
        if chance() < self.hazards.agent_drain and self.agents:
            self._drain_agent(self.random.choice(sorted(self.agents)))
        if chance() < self.hazards.clock_jump:
            jump_ms = self.random.choice(self.hazards.clock_jumps_ms)
            self._log(f"the clock jumps by {jump_ms} ms")
            self.wall_offset_ms += jump_ms

    def _kill_agent(self, agent_id: str) -> None:
        self._log(f"{agent_id} dies")
        agent = self.agents.pop(agent_id)
        agent.die()
        self._inbox.append(AgentLost(agent_id, "it died"))
        new = self._add_agent()
        self._inbox.extend(new.greet())

    def _drain_agent(self, agent_id: str) -> None:
        """An agent's machine is about to be taken away; another comes soon."""
        agent = self.agents[agent_id]
        if agent.info.draining:
            return
        self._log(f"{agent_id} drains")
        self.alert_checker.agent_drains(agent_id)
        agent.info = msgspec.structs.replace(agent.info, draining="its machine goes")
        self._inbox.append(AgentDraining(agent_id, "its machine goes"))
        self.after(self.random.choice((0, 1_000, 5_000)), self._join_another)
        self.after(self.random.choice((100, 5_000, 60_000)), lambda: self._take_away(agent_id))

    def _join_another(self) -> None:
        for event in self._add_agent().greet():
            self._tell(event)

    def _take_away(self, agent_id: str) -> None:
        agent = self.agents.pop(agent_id, None)
        if agent is not None:  # else it died, or was released before
            self._log(f"{agent_id} is taken away")
            agent.die()
            self._tell(AgentLost(agent_id, "its machine is gone"))

    def _release(self, agent_id: str) -> None:
        agent = self.agents.get(agent_id)
        if agent is None:
            return
        if agent.is_busy or self.random.random() < 0.1:
            for event in agent.greet():  # it holds tasks after all, or could not be ended
                self._tell(event)
            return
        self._log(f"{agent_id} is released")
        agent.die()
        del self.agents[agent_id]

    def _tell(self, event: Event) -> None:
        if self._core is not None:  # else the next one is told how things are
            self._inbox.append(event)
            self._schedule_turn(0)

    def _add_agent(self) -> AgentModel:
        agent_id = f"agent-{self.random.getrandbits(32):08x}-1"  # each on a host of its own
        agent = AgentModel(self, agent_id, cpus=8, memory_mb=16_384)
        agent.daemon_pause_ms = self.hazards.daemon_pause_ms
        self.agents[agent_id] = agent
        return agent

    def _log(self, line: str) -> None:
        self.history.append(f"{self.monotonic_ms:>12} {line}")

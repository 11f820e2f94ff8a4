"""Two real leaders (`service/leader.py`) with their loops and cores, machines and networks that fail, in virtual time."""

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from elasticjob_cloud.engine.contract import EventSink
from elasticjob_cloud.model.errors import CallerError, ElasticJobError, NotFoundError
from elasticjob_cloud.model.messages import (
    AgentEvents,
    AgentJoined,
    AgentLost,
    Command,
    Launch,
    LogChunk,
    Sandbox,
)
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import CoreSettings, Now
from elasticjob_cloud.scheduling.commands import ApiCommand, TriggerJob
from elasticjob_cloud.service.leader import Candidate, Leader, Surroundings
from elasticjob_cloud.service.metrics import Metrics
from tests.simulation.agent_model import AgentModel
from tests.simulation.cluster_agent import HEARTBEAT_SECONDS, LOST_MS, Machine
from tests.simulation.cluster_store import DatabaseConnection, SharedDatabase
from tests.simulation.virtual_time import DelayingExecutor, VirtualTimeLoop
from tests.simulation.world import START_MS

LEASE_SECONDS = 5.0
_SHOWN_LINES = 60  # of the history, when a promise is broken


@dataclass(frozen=True, slots=True)
class ClusterHazards:
    """How often things go wrong: mean seconds between two mishaps, and what tasks are like."""

    seconds_between_mishaps: float = 20.0
    task_failure: float = 0.1
    longest_task_seconds: float = 20.0
    doubled_messages: float = 0.05


class ClusterEngine:
    """One scheduler's way to the machines, as `engine/contract.py` promises."""

    def __init__(self, world: "Cluster", host: "Host") -> None:
        self._world = world
        self._host = host
        self.epoch = -1
        self._sink: EventSink | None = None
        self._last_heard_ms: dict[str, int] = {}  # by agent id, of those that are known and not lost
        self._joined: set[str] = set()
        self._lead_until_ms = 0
        self._watch: asyncio.Task[None] | None = None

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        self.epoch = epoch
        self._sink = sink
        self._joined.clear()
        self._last_heard_ms = dict.fromkeys(known_agents, self._world.monotonic_ms())
        self._watch = asyncio.create_task(self._watch_agents())

    async def prepare(self) -> None:
        pass

    def lead_until(self, deadline: float) -> None:
        self._lead_until_ms = int(deadline * 1000)

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        pass

    def want_room(self, pieces: Sequence[tuple[float, float]]) -> None:
        pass

    def reconcile(self, known_agents: frozenset[str]) -> None:
        self._joined.clear()
        for agent_id in known_agents:
            self._last_heard_ms.setdefault(agent_id, self._world.monotonic_ms())

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        self._world.carry_commands(self._host, self.epoch, agent_id, list(commands))

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        self._world.carry_acknowledgement(self._host, agent_id, sequence)

    async def read_log(self, agent_id: str, task_id: str, stream: str, offset: int, limit: int) -> LogChunk:
        raise NotFoundError(task_id)

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        return []

    async def stop(self) -> None:
        self._sink = None
        if self._watch is not None:
            self._watch.cancel()

    def heartbeat(self, machine: Machine, sent_ms: int) -> None:
        """A machine's heartbeat has arrived."""
        if self._sink is None or machine.epoch > self.epoch:
            return
        machine.epoch = max(machine.epoch, self.epoch)
        agent_id = machine.agent.info.agent_id
        self._last_heard_ms[agent_id] = self._world.monotonic_ms()
        if self._last_heard_ms[agent_id] < self._lead_until_ms:
            self._world.carry_heartbeat_answer(self._host, machine, sent_ms)
        if agent_id not in self._joined:
            self._joined.add(agent_id)
            self._sink(AgentJoined(machine.agent.inventory()))
            for former in machine.former_ids:
                self._lose(former, "its successor has ended what it left")

    def connection_broke(self, agent_id: str) -> None:
        """Messages may have been lost: the agent has to join anew. (Engines learn it from their transport.)"""
        self._joined.discard(agent_id)

    def news(self, batch: AgentEvents) -> None:
        """An agent's news have arrived; those of one that has not joined come again when it does."""
        if self._sink is not None and batch.agent_id in self._joined:
            self._sink(batch)

    def _lose(self, agent_id: str, reason: str) -> None:
        if self._sink is not None and self._last_heard_ms.pop(agent_id, None) is not None:
            self._joined.discard(agent_id)
            self._sink(AgentLost(agent_id, reason))

    async def _watch_agents(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._host.frozen_until > self._world.loop.time():
                continue
            now_ms = self._world.monotonic_ms()
            for agent_id, heard_ms in list(self._last_heard_ms.items()):
                if now_ms - heard_ms >= LOST_MS:
                    self._lose(agent_id, "nothing was heard of it")


class Host:
    """A machine with a scheduler on it: one life after another."""

    def __init__(self, world: "Cluster", name: str) -> None:
        self.world = world
        self.name = name
        self.frozen_until = 0.0
        self.last_clock = world.read_clock()
        self.engine: ClusterEngine
        self.metrics = Metrics()
        self.leader: Leader | None = None
        self._executor: DelayingExecutor
        self._task: asyncio.Task[None]
        self.boot()

    def boot(self) -> None:
        """Start a scheduler."""
        self.world.log(f"{self.name} boots")
        self._executor = DelayingExecutor(self.world.loop, self._delay)
        self.engine = ClusterEngine(self.world, self)
        connection = DatabaseConnection(self.world.database, lambda: self.last_clock)
        life = f"{self.name}-{self.world.random.getrandbits(16):04x}"
        self.leader = Leader(
            Candidate(life, life, LEASE_SECONDS),
            connection,  # type: ignore[arg-type]  # of the store, what a leader uses
            self.engine,
            CoreSettings(time_zone="UTC"),
            Surroundings(self._read_clock, self.world.new_id, self._executor),
            self.metrics,
            self._check,
        )
        self._task = self.world.loop.create_task(self.leader.run())

    def crash(self) -> None:
        """End the scheduler at once, wherever it is."""
        self.world.log(f"{self.name} crashes")
        self._executor.crashed = True
        self._task.cancel()
        self.leader = None
        self.world.loop.create_task(self.engine.stop())

    def freeze(self, seconds: float) -> None:
        """Stop the process for a while; it does not notice."""
        self.world.log(f"{self.name} freezes for {seconds} s")
        self.frozen_until = self.world.loop.time() + seconds

    def failure(self) -> BaseException | None:
        """Give what ended the leader, if anything but a crash did."""
        if self._task.done() and not self._task.cancelled():
            return self._task.exception()
        return None

    def _delay(self) -> float:
        frozen = max(0.0, self.frozen_until - self.world.loop.time())
        return frozen + self.world.random.randrange(1, 8) / 1000

    def _read_clock(self) -> Now:
        self.last_clock = self.world.read_clock()
        return self.last_clock

    def _check(self, changes: Changes) -> None:
        if self.leader is not None and self.leader.core is not None:
            self.world.database.checker.check_room(self.leader.core)


class Cluster:
    """Hosts, machines, and the network between them."""

    def __init__(self, loop: VirtualTimeLoop, seed: int, hazards: ClusterHazards) -> None:
        self.loop = loop
        self.random = random.Random(seed)
        self.hazards = hazards
        self.history: list[str] = []
        self.wall_offset_ms = START_MS
        self.database = SharedDatabase(self.monotonic_ms)
        self.hosts = [Host(self, name) for name in ("alpha", "beta")]
        self.machines = [Machine(self, name) for name in ("one", "two", "three")]

    # What the models ask of a world

    def monotonic_ms(self) -> int:
        """Read the monotonic clock, the same on all machines."""
        return int(self.loop.time() * 1000)

    def read_clock(self) -> Now:
        """Read both clocks."""
        return Now(self.monotonic_ms() + self.wall_offset_ms, self.monotonic_ms())

    def now(self) -> Now:
        """Read both clocks, under the name that the agent model knows."""
        return self.read_clock()

    def new_id(self) -> str:
        """Give a task's random id."""
        return f"{self.random.getrandbits(64):016x}"

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        """Have something happen after a while."""
        self.loop.call_later(max(0.0, delay_ms) / 1000, action)

    def choose_outcome(self, launch: Launch) -> tuple[float | None, TaskState]:
        """Give how long a task runs (None: until it is killed) and how it ends."""
        if launch.job.is_daemon and self.random.random() > self.hazards.task_failure:
            return None, TaskState.FINISHED
        seconds = self.random.random() ** 3 * self.hazards.longest_task_seconds
        if self.random.random() < self.hazards.task_failure:
            return seconds, self.random.choice((TaskState.FAILED, TaskState.ERROR, TaskState.LOST))
        return seconds, TaskState.FINISHED

    def note_start(self, agent: AgentModel, task_id: str, launch: Launch) -> None:
        """A task begins to execute."""
        self.log(f"{agent.info.agent_id} starts {task_id}")
        self.database.checker.task_starts(task_id, launch)

    def note_end(self, task_id: str) -> None:
        """A task executes no more."""
        self.database.checker.task_ends(task_id)

    def frozen_ms(self, agent: AgentModel) -> int:
        """Tell how long an agent, with all that runs on its machine, stands still from now."""
        machine = self._machine_of(agent.info.agent_id)
        frozen = 0.0 if machine is None else machine.frozen_until - self.loop.time()
        return max(0, math.ceil(frozen * 1000))

    def log(self, line: str) -> None:
        """Note what happened, for whoever reads a failing seed's history."""
        self.history.append(f"{self.monotonic_ms():>12} {line}")

    # The network

    def agent_has_news(self, agent: AgentModel) -> None:
        """Carry an agent's news to all schedulers that have it."""
        self.after(self.random.randrange(1, 20), lambda: self._deliver_news(agent))

    def _deliver_news(self, agent: AgentModel) -> None:
        machine = self._machine_of(agent.info.agent_id)
        if machine is None or not agent.alive:
            return
        frozen_ms = self.frozen_ms(agent)
        if frozen_ms:
            self.after(frozen_ms, lambda: self._deliver_news(agent))
            return
        batch = agent.flush()
        if batch is not None and machine.is_heard:
            events = AgentEvents(agent.info.agent_id, *batch)
            for host in self.hosts:
                for _ in range(self._copies()):
                    self._at(host, lambda host=host: host.engine.news(events))  # type: ignore[misc]

    def send_heartbeat(self, machine: Machine, sent_ms: int) -> None:
        """Carry a heartbeat to all schedulers."""
        if machine.is_heard:
            for host in self.hosts:
                self._at(host, lambda host=host: host.engine.heartbeat(machine, sent_ms))  # type: ignore[misc]

    def carry_heartbeat_answer(self, host: Host, machine: Machine, sent_ms: int) -> None:
        """Carry the answer to a heartbeat back."""
        agent = machine.agent

        def deliver() -> None:
            if machine.hears and machine.agent is agent:
                machine.acknowledge_heartbeat(sent_ms)

        self._from(host, deliver)

    def carry_commands(self, host: Host, epoch: int, agent_id: str, commands: list[Command]) -> None:
        """Carry commands to an agent, now and then twice."""

        def deliver() -> None:
            machine = self._machine_of(agent_id)
            if machine is not None and machine.frozen_until > self.loop.time():
                self.loop.call_at(machine.frozen_until, deliver)
            elif machine is not None and machine.hears:
                machine.obey(epoch, agent_id, commands)

        for _ in range(self._copies()):
            self._from(host, deliver)

    def carry_acknowledgement(self, host: Host, agent_id: str, sequence: int) -> None:
        """Carry an acknowledgement of news."""

        def deliver() -> None:
            machine = self._machine_of(agent_id)
            if machine is not None and machine.hears:
                machine.agent.acknowledge(sequence)

        self._from(host, deliver)

    def _machine_of(self, agent_id: str) -> Machine | None:
        return next((it for it in self.machines if it.agent.info.agent_id == agent_id), None)

    def _copies(self) -> int:
        return 2 if self.random.random() < self.hazards.doubled_messages else 1

    def _at(self, host: Host, action: Callable[[], None]) -> None:
        self._from(host, action)

    def _from(self, host: Host, action: Callable[[], None]) -> None:
        frozen = max(0.0, host.frozen_until - self.loop.time())
        self.loop.call_later(frozen + self.random.randrange(1, 5) / 1000, action)

    # Users

    async def request(self, command: ApiCommand) -> bool:
        """Have a command carried out by whoever leads; False when it was refused or nobody answered."""
        for host in self.hosts:
            loop = host.leader.loop if host.leader is not None else None
            if loop is not None and host.frozen_until <= self.loop.time():
                with contextlib.suppress(ElasticJobError, CallerError):
                    await loop.submit(command)
                    if isinstance(command, TriggerJob):
                        self.database.checker.accept_trigger(command.job_name)
                    return True
        return False

    # Mishaps

    async def misbehave(self, seconds: float) -> None:
        """Let things go wrong for so long, and then mend all."""
        end = self.loop.time() + seconds
        while self.loop.time() < end:
            pause = self.random.expovariate(1 / self.hazards.seconds_between_mishaps)
            await asyncio.sleep(min(pause, max(0.0, end - self.loop.time()) + 0.01))
            self.random.choice(self._mishaps())()
        await asyncio.sleep(120)

    def _mishaps(self) -> tuple[Callable[[], None], ...]:
        cut = self._cut
        return (self._crash, self._freeze, self._freeze_machine, cut, cut, self._restart, self._jump)

    def _crash(self) -> None:
        host = self.random.choice(self.hosts)
        if host.leader is not None:
            host.crash()
            self.after(self.random.choice((10, 3_000, 30_000)), host.boot)

    def _freeze(self) -> None:
        self.random.choice(self.hosts).freeze(self.random.choice((1.0, 7.0, 30.0)))

    def _freeze_machine(self) -> None:
        # For less than the fence: a machine that stands still for longer executes nothing meanwhile, and what its tasks
        # do in the instant between its thaw and its fence no program can know.
        machine = self.random.choice(self.machines)
        seconds = self.random.choice((0.5, 3.0, 8.0))
        if self.loop.time() - machine.troubled_until < HEARTBEAT_SECONDS * 5:
            return  # together with the trouble that it has just had it would be silent for too long
        machine.frozen_until = machine.troubled_until = self.loop.time() + seconds
        self.log(f"{machine.name} freezes for {seconds} s")

    def _cut(self) -> None:
        machine = self.random.choice(self.machines)
        if machine.frozen_until > self.loop.time():
            return
        machine.hears = self.random.random() < 0.3
        machine.is_heard = self.random.random() < 0.3
        self.log(f"{machine.name} is cut off: hears {machine.hears}, is heard {machine.is_heard}")

        def mend() -> None:
            machine.hears = machine.is_heard = True
            for host in self.hosts:
                host.engine.connection_broke(machine.agent.info.agent_id)
            self.log(f"{machine.name} is connected again")

        milliseconds = self.random.choice((500, 5_000, 12_000, 14_000, 16_000, 60_000))
        machine.troubled_until = max(machine.troubled_until, self.loop.time() + milliseconds / 1000)
        self.after(milliseconds, mend)

    def _restart(self) -> None:
        machine = self.random.choice(self.machines)
        self.log(f"the agent of {machine.name} dies")
        machine.restart()

    def _jump(self) -> None:
        jump_ms = self.random.choice((-60_000, -1_500, 1_500, 60_000))
        self.log(f"the clock jumps by {jump_ms} ms")
        self.wall_offset_ms += jump_ms

    def check_hosts(self) -> None:
        """No scheduler may have ended by itself."""
        for host in self.hosts:
            failure = host.failure()
            if failure is not None:
                raise AssertionError(f"{host.name} ended: {failure!r}") from failure
            bugs = host.metrics.registry.get_sample_value(
                "elasticjob_failed_turns_total", {"error": "BugError"}
            )
            assert not bugs, f"{host.name} met {bugs:g} bugs, and began anew from the record"


def play(seed: int, hazards: ClusterHazards, script: Callable[[Cluster], Awaitable[None]]) -> Cluster:
    """Play a script in a new cluster; give the cluster for a look at what became of it."""
    loop = VirtualTimeLoop()
    cluster = Cluster(loop, seed, hazards)
    try:
        broken: list[BaseException] = []
        loop.set_exception_handler(lambda _, context: _keep(broken, context))
        loop.run_until_complete(script(cluster))
        cluster.check_hosts()
        _raise_first(broken)
    except Exception as error:
        error.add_note("\n".join(cluster.history[-_SHOWN_LINES:]))
        raise
    else:
        return cluster
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with contextlib.suppress(AssertionError):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _raise_first(broken: list[BaseException]) -> None:
    if broken:
        raise broken[0]


def _keep(broken: list[BaseException], context: dict[str, object]) -> None:
    error = context.get("exception")
    if isinstance(error, AssertionError):
        broken.append(error)

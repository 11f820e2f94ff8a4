"""Two real leaders (`service/leadership/leader.py`) with their loops and cores, machines and networks that fail, in virtual time."""

import asyncio
import contextlib
import contextvars
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from elasticjob_cloud.agent.scheduler_link.frames import Hello
from elasticjob_cloud.model.errors import CallerError, ElasticJobError
from elasticjob_cloud.model.messages import AgentEvents, Command, Launch, TaskStatus
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Now, PlacementPolicy
from elasticjob_cloud.scheduling.commands import ApiCommand
from tests.simulation.agent_model import AgentModel, raises_now_and_then
from tests.simulation.cluster.agent import Machine
from tests.simulation.cluster.host import Host
from tests.simulation.cluster.mishaps import Mishaps
from tests.simulation.cluster.store import SharedDatabase
from tests.simulation.virtual_time import VirtualTimeLoop
from tests.simulation.world import START_MS

_SHOWN_LINES = 60  # of the history, when a promise is broken


@dataclass(frozen=True, slots=True)
class ClusterHazards:
    """How often things go wrong: mean seconds between two mishaps, and what tasks are like."""

    seconds_between_mishaps: float = 20.0
    task_failure: float = 0.1
    longest_task_seconds: float = 20.0
    doubled_messages: float = 0.05


class Cluster:
    """Hosts, machines, and the network between them."""

    def __init__(self, loop: VirtualTimeLoop, seed: int, hazards: ClusterHazards) -> None:
        self.loop = loop
        self.random = random.Random(seed)
        self.placement = self.random.choice(list(PlacementPolicy))
        # By dice of its own, so that each seed's world is what it was before.
        self.release_idle_ms = random.Random(f"release {seed}").choice((0, 3_000, 20_000))
        self.hazards = hazards
        self.history: list[str] = []
        self.wall_offset_ms = START_MS
        self._network = contextvars.Context()
        self.database = SharedDatabase(self.monotonic_ms)
        self._news: dict[tuple[object, str], deque[Callable[[], None]]] = {}  # by process and machine
        self.cut_links: set[tuple[str, str]] = set()  # from a host to a machine, both ways
        self.hosts = [Host(self, name, self.database) for name in ("alpha", "beta")]
        self.drills: list[Host] = []  # schedulers on copies of the database
        self.all_drills: list[Host] = []
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

    def note_word(self, status: TaskStatus) -> None:
        """An agent knows how a task ended."""
        self.database.checker.runs.agent_says(status)

    def raises(self, execution: str) -> bool:
        """Tell whether job code raises, though its task finishes. It costs no dice of the world's."""
        return raises_now_and_then(execution)

    def frozen_ms(self, agent: AgentModel) -> int:
        """Tell how long an agent, with all that runs on its machine, stands still from now."""
        machine = self.machine_of(agent.info.agent_id)
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
        machine = self.machine_of(agent.info.agent_id)
        if machine is None or not agent.alive:
            return
        frozen_ms = self.frozen_ms(agent)
        if frozen_ms:
            self.after(frozen_ms, lambda: self._deliver_news(agent))
            return
        batch = agent.flush()
        if batch is not None and machine.is_heard:
            events = AgentEvents(agent.info.agent_id, *batch)
            for host in (*self.hosts, *self.drills):
                for _ in range(self._copies()):
                    self._to_in_order(host, machine, lambda host=host: host.engine.news(events))  # type: ignore[misc]

    def send_heartbeat(self, machine: Machine, sent_ms: int) -> None:
        """Carry a heartbeat to all schedulers."""
        if machine.is_heard:
            for host in (*self.hosts, *self.drills):
                self._to(host, machine, lambda host=host: host.engine.heartbeat(machine, sent_ms))  # type: ignore[misc]

    def carry_heartbeat_answer(
        self, host: Host, hello: Hello, machine: Machine, sent_ms: int, renewals: int
    ) -> None:
        """Carry the answer to a heartbeat back."""
        agent = machine.agent
        self._check_leads(host, hello)

        def deliver() -> None:
            if machine.hears and machine.agent is agent:
                machine.acknowledge_heartbeat(hello, sent_ms, renewals)

        self._from(host, machine, deliver)

    def carry_commands(self, host: Host, hello: Hello, agent_id: str, commands: list[Command]) -> None:
        """Carry commands to an agent, now and then twice."""
        self._check_leads(host, hello)

        def deliver() -> None:
            machine = self.machine_of(agent_id)
            if machine is not None and machine.frozen_until > self.loop.time():
                self.loop.call_at(machine.frozen_until, deliver)
            elif machine is not None and machine.hears:
                machine.obey(hello, agent_id, commands)

        for _ in range(self._copies()):
            self._from(host, self.machine_of(agent_id), deliver)

    def carry_acknowledgement(self, host: Host, hello: Hello, agent_id: str, sequence: int) -> None:
        """Carry an acknowledgement of news."""
        self._check_leads(host, hello)

        def deliver() -> None:
            machine = self.machine_of(agent_id)
            if machine is not None and machine.hears:
                machine.agent.acknowledge(sequence)

        self._from(host, self.machine_of(agent_id), deliver)

    def carry_release(
        self, host: Host, hello: Hello, machine: Machine, agent_id: str, told: Callable[..., None]
    ) -> None:
        """Let a machine go, and carry back whether its agent has ended."""
        self._check_leads(host, hello)

        def deliver() -> None:
            if machine.frozen_until > self.loop.time():
                self.loop.call_at(machine.frozen_until, deliver)
            elif machine.hears:
                has_ended = machine.release_life(hello, agent_id)
                if machine.is_heard:
                    self._to(host, machine, lambda: told(has_ended=has_ended))

        self._from(host, machine, deliver)

    def carry_use(self, host: Host, machine: Machine) -> None:
        """Have a machine that was let go of used again."""
        if machine.is_released and machine.hears:
            self._from(host, machine, machine.use)

    def _check_leads(self, host: Host, hello: Hello) -> None:
        """Nobody but the leader of this moment may speak to agents: all clocks run alike here."""
        if self.database.checks_epoch:
            epoch = host.database.epoch
            assert hello.epoch == epoch, f"promise 5: {host.name} speaks with epoch {hello.epoch}, deposed"

    def machine_of(self, agent_id: str) -> Machine | None:
        """Find where this life of an agent is, or was until its machine was let go of."""
        return next((it for it in self.machines if it.agent.info.agent_id == agent_id), None)

    def _copies(self) -> int:
        return 2 if self.random.random() < self.hazards.doubled_messages else 1

    def _to(self, host: Host, machine: Machine, action: Callable[[], None]) -> None:
        if (host.name, machine.name) not in self.cut_links:
            self.loop.call_later(self._latency(), action, context=host.process.context)

    def _to_in_order(self, host: Host, machine: Machine, action: Callable[[], None]) -> None:
        """Carry a message as a socket does: what a process that stood still reads late is in order all the same."""
        if (host.name, machine.name) in self.cut_links:
            return
        queue = self._news.setdefault((host.process, machine.name), deque())
        queue.append(action)

        def deliver_next() -> None:
            queue.popleft()()

        self.loop.call_later(self._latency(), deliver_next, context=host.process.context)

    def _from(self, host: Host, machine: Machine | None, action: Callable[[], None]) -> None:
        if machine is not None and (host.name, machine.name) not in self.cut_links:
            self.loop.call_later(self._latency(), action, context=self._network)

    def _latency(self) -> float:
        return self.random.randrange(1, 5) / 1000

    # Users

    async def request(self, command: ApiCommand) -> bool:
        """Have a command carried out by whoever leads; False when it was refused or nobody answered."""
        for host in self.hosts:
            loop = host.leader.loop if host.leader is not None and host.leads else None
            if loop is not None:
                with contextlib.suppress(ElasticJobError, CallerError):
                    self.database.checker.accept(command, await loop.submit(command))
                    return True
        return False

    async def misbehave(self, seconds: float) -> None:
        """Let things go wrong for so long, and then mend all."""
        await Mishaps(self).run(seconds)

    def check_hosts(self) -> None:
        """No scheduler may have ended by itself."""
        for host in (*self.hosts, *self.all_drills):
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
        _tear_down(loop, cluster)


def _tear_down(loop: VirtualTimeLoop, cluster: Cluster) -> None:
    for process in (process for host in (*cluster.hosts, *cluster.all_drills) for process in host.processes):
        process.bury()
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=1))
    loop.close()


def _raise_first(broken: list[BaseException]) -> None:
    if broken:
        raise broken[0]


def _keep(broken: list[BaseException], context: dict[str, object]) -> None:
    error = context.get("exception")
    if isinstance(error, AssertionError):
        broken.append(error)

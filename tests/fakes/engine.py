"""An engine of machines in memory, which keeps `engine/contract.py`: for tests and benchmarks with many agents.

A `FakeCluster` holds the machines, which outlive schedulers; a `FakeEngine` is one scheduler's way to them. Machines join
and leave, grow and shrink, and their agents crash. All of it happens on the event loop, and no message takes time.
"""

import asyncio
from collections.abc import Callable, Sequence

from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.model.errors import NotFoundError, StartError
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    Command,
    EngineEvent,
    Sandbox,
)
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply
from tests.fakes.kept_logs import KeptLogs
from tests.fakes.machine import FakeMachine


class FakeCluster:
    """Machines that schedulers come to and leave."""

    def __init__(self) -> None:
        self.machines: dict[str, FakeMachine] = {}
        self.released: dict[str, FakeMachine] = {}  # that have no agent until room is wanted
        self.wanted: list[list[Pieces]] = []  # what schedulers asked for, the last one last
        self.logs = KeptLogs()
        self._engine: FakeEngine | None = None

    def add(self, name: str, cpus: float, memory_mb: float) -> FakeMachine:
        """Let a machine join."""
        machine = self.machines[name] = FakeMachine(name, cpus, memory_mb, self._deliver)
        if self._engine is not None:
            self._engine.join(machine)
        return machine

    def remove(self, name: str) -> None:
        """Let a machine leave, with all that runs on it."""
        machine = self.machines.pop(name)
        machine.agent.die()
        if self._engine is not None:
            self._engine.lose(machine.agent_id, f"{name} left the cluster.")

    def crash_agent(self, name: str) -> None:
        """Let a machine's agent die; another takes its place."""
        machine = self.machines[name]
        former = machine.agent_id
        machine.restart()
        if self._engine is not None:
            self._engine.join(machine)
            self._engine.lose(former, f"It ended; {machine.agent_id} took its place.")

    def terminate_agent(self, name: str) -> None:
        """Let a machine's agent end as it is told to: it says so, then tells of its tasks' ends; another takes its place."""
        machine = self.machines[name]
        if self._engine is not None:
            self._engine.tell(AgentDraining(machine.agent_id, "It is ending."))
        machine.agent.lose_all("Its agent stopped.")
        asyncio.get_running_loop().call_soon(self.crash_agent, name)

    def drain(self, name: str) -> None:
        """Let a machine be about to go."""
        machine = self.machines[name]
        machine.drain("Its machine goes.")
        if self._engine is not None:
            self._engine.tell(AgentDraining(machine.agent_id, "Its machine goes."))

    def resize(self, name: str, cpus: float, memory_mb: float) -> None:
        """Let a machine's agent have other room."""
        machine = self.machines[name]
        machine.resize(cpus, memory_mb)
        if self._engine is not None:
            self._engine.join(machine)

    def release(self, name: str) -> None:
        """Let a machine's agent end, and the machine be idle."""
        machine = self.machines.pop(name)
        machine.agent.die()
        if not machine.agent.info.draining:  # such a one is taken away
            self.released[name] = machine

    def use_released(self) -> None:
        """Give the idle machines new agents."""
        released, self.released = self.released, {}
        for name, machine in released.items():
            self.machines[name] = machine
            machine.restart()
            if self._engine is not None:
                self._engine.join(machine)

    def machine_of(self, agent_id: str) -> FakeMachine | None:
        """Give the machine where this agent lives, if it still does."""
        name = agent_id.rpartition("-")[0]
        machine = self.machines.get(name)
        return machine if machine is not None and machine.agent_id == agent_id else None

    def attach(self, engine: "FakeEngine", epoch: int) -> None:
        """Make this engine the one that agents tell.

        Raises:
            StartError: an agent has obeyed a newer epoch.
        """
        newest = max((it.epoch for it in self.machines.values()), default=0)
        if newest > epoch:
            raise StartError(f"An agent obeys a scheduler of epoch {newest}; this one has {epoch}.")
        self.use_released()
        for machine in self.machines.values():
            machine.epoch = epoch
        self._engine = engine

    def detach(self, engine: "FakeEngine") -> None:
        """Tell this engine nothing more."""
        if self._engine is engine:
            self._engine = None

    def is_attached(self, engine: "FakeEngine") -> bool:
        """Tell whether agents tell this engine."""
        return self._engine is engine

    def _deliver(self, batch: AgentEvents) -> None:
        # Without a scheduler the agent keeps what it has to tell: the next one has it in the inventory.
        if self._engine is not None:
            self._engine.tell(batch)


class FakeEngine:
    """Keeps `engine.contract.Engine` with the machines of a cluster."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._epoch = 0
        self._known: set[str] = set()
        self._sink: EventSink | None = None

    async def prepare(self) -> None:
        """There is nothing to make ready."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        """Tell of all agents, then of those that are gone."""
        self._cluster.attach(self, epoch)
        self._epoch = epoch
        self._sink = sink
        self.reconcile(known_agents)

    lost_seconds = 0.0
    refusal: str | None = None
    cluster_id = ""

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        """The agents go by epochs alone."""

    def renewed(self, renewals: int) -> None:
        """They are not told."""

    def lose_after(self, seconds: float) -> None:
        """No agent is lost by its silence."""

    def lead_until(self, deadline: float) -> None:
        """No agent is ever cut off: none asks for a lease."""

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        """Note it on the machine, which drops launches while it has less."""
        self._soon(agent_id, lambda machine: machine.reserve(cpus, memory_mb))

    def want_room(self, runs: Sequence[Pieces]) -> None:
        """Note it in the cluster, and use all machines again."""
        self._cluster.wanted.append(list(runs))
        if runs:
            self._cluster.use_released()

    def release(self, agent_id: str) -> None:
        """End the agent, unless it holds tasks."""

        def let_go(machine: FakeMachine) -> None:
            if machine.agent.is_busy:
                self.join(machine)
            else:
                self._cluster.release(machine.name)

        self._known.discard(agent_id)
        self._soon(agent_id, let_go)

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        """Hand commands on in the next turn of the loop; those to an agent that is gone are lost."""
        self._soon(agent_id, lambda machine: machine.carry_out(commands))

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        """Let the agent forget what is committed."""
        self._soon(agent_id, lambda machine: machine.agent.acknowledge(sequence))

    def reconcile(self, known_agents: frozenset[str]) -> None:
        """Tell of all agents anew."""
        self._known |= known_agents
        for machine in self._cluster.machines.values():
            self.join(machine)
        present = {machine.agent_id for machine in self._cluster.machines.values()}
        for agent_id in sorted(self._known - present):
            self.lose(agent_id, "It is not there any more.")

    async def ask_log(self, agent_id: str, question: LogQuestion) -> LogReply:
        """Answer from what a machine keeps of all lives of its agent; the scripts here print to stdout only."""
        machine = self._cluster.machines.get(agent_id.rpartition("-")[0])
        output = None if machine is None else machine.outputs.get(question.task_id)
        if machine is None or output is None:
            raise NotFoundError(f"The output of {question.task_id} is not kept.")
        ended = not machine.is_live(question.task_id)
        return self._cluster.logs.answer(question, {"stdout": bytes(output)}, ended=ended)

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List those of all machines."""
        return [it for machine in self._cluster.machines.values() for it in machine.sandboxes(app_name)]

    async def stop(self) -> None:
        """Let go of the agents, which go on."""
        self._cluster.detach(self)

    # What the cluster tells

    def join(self, machine: FakeMachine) -> None:
        """An agent is there, or there again."""
        machine.epoch = max(machine.epoch, self._epoch)
        self._known.add(machine.agent_id)
        self.tell(AgentJoined(machine.agent.inventory()))
        # The inventory has no number to acknowledge: what ended is told once more, in a batch.
        machine.agent.tell_ends_again()

    def lose(self, agent_id: str, reason: str) -> None:
        """An agent is gone for good."""
        self._known.discard(agent_id)
        self.tell(AgentLost(agent_id, reason))

    def tell(self, event: EngineEvent) -> None:
        """Hand an event to the scheduler."""
        if self._sink is not None and self._cluster.is_attached(self):
            self._sink(event)

    def _soon(self, agent_id: str, action: Callable[[FakeMachine], None]) -> None:
        def act() -> None:
            machine = self._cluster.machine_of(agent_id)
            if machine is not None and machine.epoch <= self._epoch:  # no newer scheduler has spoken
                action(machine)

        asyncio.get_running_loop().call_soon(act)

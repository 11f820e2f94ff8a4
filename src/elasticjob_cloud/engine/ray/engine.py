"""The engine of a Ray cluster: an agent on each node, behind a gateway process. See the package's own words."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from elasticjob_cloud.agent.scheduler_link.frames import Hello, Refused
from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.engine.questions import Questions
from elasticjob_cloud.engine.ray.faults import Faults, with_fault, words_of
from elasticjob_cloud.engine.ray.frames import (
    Arrived,
    Beat,
    Begin,
    FromGateway,
    GatewaySettings,
    Held,
    NodeGone,
    NodeSeen,
    Ready,
    SessionEnded,
    SessionOpened,
    ToGateway,
    Trouble,
    Want,
)
from elasticjob_cloud.engine.ray.gateway_process import GatewayProcess
from elasticjob_cloud.engine.ray.link import Link
from elasticjob_cloud.engine.refusals import Refusals
from elasticjob_cloud.model.errors import AgentsRefuseError, UnavailableError
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import (
    AgentJoined,
    AgentLost,
    Command,
    EngineEvent,
    Inventory,
    Sandbox,
)
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply

_log = structlog.get_logger(__name__)
_WATCH_SECONDS = 0.5
_OTHERS_SECONDS = 0.5
_LOST_REMEMBERED = 10_000


class RayEngine:
    """Keeps `engine.contract.Engine` with the nodes of a Ray cluster.

    Args:
        gateway: What the gateways are started with.
        lost_seconds: After how long without a word an agent is lost; longer than its fence, so that it has ended its
            tasks by then (promise 5).
        gateway_log: Where what the gateways print is kept, within limits; None: with what this process prints.
        answer_seconds: How long a start waits for the first agent.
        monotonic_seconds: The clock of leases and heartbeats. Not the loop's: uvloop's stands still during a turn.
    """

    def __init__(
        self,
        gateway: GatewaySettings,
        lost_seconds: float,
        gateway_log: Path | None = None,
        answer_seconds: float = 2.0,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cluster_id = ""
        self.hello = Hello(-1)
        self.renewals = 0
        self._lineage: Lineage | None = None
        self._takes_over = False
        self._refusals = Refusals()
        self._gateway_settings = gateway
        self._own_lost_seconds = lost_seconds
        self._lost_seconds = lost_seconds
        self._gateway_log = gateway_log
        self._answer_seconds = answer_seconds
        self._monotonic_seconds = monotonic_seconds
        self._gateway: GatewayProcess | None = None
        self._gateway_ready = False
        self._trouble = ""
        self._sink: EventSink | None = None
        self._lead_until = 0.0
        self._answered = asyncio.Event()
        self._links: dict[str, Link] = {}  # by node
        self._link_of_agent: dict[str, Link] = {}
        self._heard_at: dict[str, float] = {}  # by agent that is known and not lost
        self._lost: OrderedDict[str, None] = OrderedDict()
        self._wanted: list[Pieces] = []
        self._faults = Faults()
        self._watching: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Have a gateway join the cluster: that takes a second. See the contract."""
        if self._gateway is None:
            self._gateway = GatewayProcess(
                self._gateway_settings, self._take, self._gateway_lost, self._gateway_log
            )
            self._gateway.start()

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        """Find the agents; return when one has joined, or after a while. See the contract."""
        loop = asyncio.get_running_loop()
        self.hello = Hello(epoch, self._lineage, self._takes_over)
        self.renewals = 0
        self._refusals = Refusals()
        self._answered.clear()
        self._heard_at = dict.fromkeys(known_agents, self._monotonic_seconds())
        self._lost.clear()
        self._sink = sink
        await self.prepare()
        self._begin()
        self._watching = loop.create_task(self._watch_agents(), name="watch agents")
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._answered.wait()
                if not self._has_joined():
                    await asyncio.sleep(_OTHERS_SECONDS)  # another agent may obey
        except TimeoutError:
            _log.warning("No agent has answered yet.", ray=self._gateway_settings.address)
        if self._refusals.latest and not self._has_joined():
            self._sink = None  # nothing that comes later is ours to tell
            raise AgentsRefuseError(self._refusals.latest)

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        """Greet agents with this record. See the contract."""
        self._lineage, self._takes_over = lineage, takes_over

    def renewed(self, renewals: int) -> None:
        """Tell agents with the next heartbeat that is confirmed. See the contract."""
        self.renewals = renewals

    @property
    def refusal(self) -> str | None:
        """Why no agent obeys, or this record is not the one to go on with. See the contract."""
        return self._refusals.judge(self._monotonic_seconds(), has_joined=self._has_joined())

    @property
    def lost_seconds(self) -> float:
        """What this engine was made with. See the contract."""
        return self._own_lost_seconds

    def lose_after(self, seconds: float) -> None:
        """Call agents lost after so long. See the contract."""
        self._lost_seconds = seconds

    def lead_until(self, deadline: float) -> None:
        """Confirm heartbeats up to then. See the contract."""
        self._lead_until = deadline

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        """Lease as much from Ray. See the contract."""
        link = self._link_of(agent_id)
        if link is not None:
            link.reserve(math.ceil(cpus * 1000 - 1e-6), math.ceil(memory_mb * 1024 - 1e-6))

    def want_room(self, runs: Sequence[Pieces]) -> None:
        """Have Ray's autoscaler see it. See the contract."""
        self._wanted = list(runs)
        self.tell_gateway(Want(self._wanted))

    def release(self, agent_id: str) -> None:
        """End agent and relay, so that Ray's autoscaler can take the node away. See the contract.

        Where the way to the agent is broken at this moment it joins again, or is lost. One that is ending needs no help.
        """
        link = self._link_of(agent_id)
        if link is not None and not link.is_ending:
            _log.info("Releasing a node without tasks.", agent=agent_id)
            del self._link_of_agent[agent_id]
            self._heard_at.pop(agent_id, None)
            link.release()

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        """Send commands. See the contract."""
        link = self._link_of(agent_id)
        if link is not None and commands:
            link.command(commands)

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        """Let the agent forget what is committed. See the contract."""
        link = self._link_of(agent_id)
        if link is not None:
            link.acknowledge(sequence)

    def reconcile(self, known_agents: frozenset[str]) -> None:
        """Have all agents tell anew what they hold. See the contract."""
        now = self._monotonic_seconds()
        for agent_id in known_agents:
            if agent_id in self._lost:
                self.tell(AgentLost(agent_id, "It was lost before."))
            else:
                self._heard_at.setdefault(agent_id, now)
        for link in self._links.values():
            link.greet_again()

    async def ask_log(self, agent_id: str, question: LogQuestion) -> LogReply:
        """Read or search a task's output, by the agent or its successor on the same node. See the contract."""
        return await self._asker(agent_id).ask_log(question)

    def _asker(self, agent_id: str) -> Questions:
        """Give the way to the agent that has the output; raise `UnavailableError`."""
        for link in self._links.values():
            if link.is_joined and (agent_id == link.agent_id or agent_id in link.predecessors):
                return link.questions
        if any(link.is_released and agent_id in link.predecessors for link in self._links.values()):
            raise UnavailableError(
                f"The node of agent {agent_id}, which has the output, was idle and was let go of. The output can be read "
                "again when tasks need the node, unless it is taken away before."
            )
        raise UnavailableError(f"Agent {agent_id}, which has the output, cannot be reached.")

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List where the agents keep the app's files; those that do not answer are left out. See the contract."""
        joined = [link for link in self._links.values() if link.is_joined]
        answers = await asyncio.gather(
            *(link.questions.sandboxes(app_name) for link in joined), return_exceptions=True
        )
        return [sandbox for answer in answers if isinstance(answer, list) for sandbox in answer]

    async def stop(self) -> None:
        """Let go of the agents, which have their fence's time to find a new leader. See the contract."""
        self._sink = None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        gateway, self._gateway = self._gateway, None
        if gateway is not None:
            await gateway.stop()

    # What links ask

    def tell_gateway(self, frame: ToGateway) -> None:
        """Send a message to the gateway, when there is one."""
        if self._gateway is not None:
            self._gateway.send(frame)

    def tell(self, event: EngineEvent) -> None:
        """Hand an event to the scheduler."""
        if self._sink is not None:
            self._sink(event)

    def joined(self, link: Link, inventory: Inventory) -> None:
        """Tell of an agent, and then of its predecessors, whose tasks are gone and told of."""
        agent_id = inventory.agent.agent_id
        fault = self._faults.of(link.node_id)
        self._link_of_agent[agent_id] = link
        self.heard(agent_id)
        self.tell(AgentJoined(with_fault(inventory, fault)))
        for former in inventory.predecessors:
            if former in self._heard_at:
                self._lose(former, words_of(f"It ended; {agent_id} took its place.", fault))
        self._faults.forget(link.node_id)
        self._answered.set()

    def heard(self, agent_id: str) -> None:
        """Reckon from now when the agent is lost."""
        if agent_id not in self._lost:
            self._heard_at[agent_id] = self._monotonic_seconds()

    def has_left(self, agent_id: str, reason: str) -> None:
        """Others may have its tasks at once."""
        if agent_id in self._heard_at:
            self._lose(agent_id, f"It ended: {reason}")

    def is_lost(self, agent_id: str) -> bool:
        """Whether it was told to be lost."""
        return agent_id in self._lost

    def leads(self) -> bool:
        """Whether the lease is ours."""
        return self._sink is not None and self._monotonic_seconds() < self._lead_until

    def refused(self, link: Link, refused: Refused) -> None:
        """Have one agent less; `refusal` tells whether that is the end of the term."""
        if self._refusals.note(link.node_id, refused):
            _log.error("An agent refuses this scheduler.", node=link.node_id, reason=self._refusals.latest)
        self._answered.set()

    def _has_joined(self) -> bool:
        return any(link.is_joined for link in self._links.values())

    # What the gateway says

    def _begin(self) -> None:
        if self._gateway_ready and self._sink is not None:
            self.tell_gateway(Begin())
            self.tell_gateway(Want(self._wanted))

    def _gateway_lost(self) -> None:
        self._gateway_ready = False
        for link in self._links.values():
            link.forget()
        self._links.clear()

    def _take(self, frame: FromGateway) -> None:
        match frame:
            case Beat():
                pass
            case Ready(cluster_id):
                self.cluster_id = cluster_id
                _log.info("Joined the Ray cluster.", ray=self._gateway_settings.address)
                self._gateway_ready = True
                self._trouble = ""
                self._begin()
            case Trouble(message, node_id, cause):
                if cause:
                    self._faults.note_cause(node_id, cause)
                elif node_id:
                    self._faults.note_symptom(node_id, message)
                if message != self._trouble:
                    _log.warning(message)
                self._trouble = message
            case NodeSeen(node_id):
                if node_id in self._links:
                    self._links[node_id].seen(frame)
                else:
                    self._links[node_id] = Link(self, frame)
            case NodeGone(node_id, reason):
                self._node_gone(node_id, reason)
            case _:
                self._take_of_session(frame)

    def _node_gone(self, node_id: str, reason: str) -> None:
        link = self._links.pop(node_id, None)
        if link is None:
            return
        if link.is_released:
            _log.info("A released node is gone.", node=node_id, reason=reason)
        else:
            _log.warning("Ray counts a node as dead.", node=node_id, agent=link.agent_id, reason=reason)
            self._faults.note_cause(node_id, reason)
        link.forget()

    def _take_of_session(self, frame: SessionOpened | SessionEnded | Arrived | Held) -> None:
        link = self._links.get(frame.node_id)
        if link is None:
            return
        match frame:
            case SessionOpened(_, session):
                link.opened(session)
            case SessionEnded(_, _, reason):
                _log.warning("The way to an agent broke.", agent=link.agent_id, reason=reason)
                self._faults.note_symptom(link.node_id, reason)
                link.ended()
            case Arrived(_, session, frames):
                link.arrived(session, frames)
            case Held():
                link.held(frame)

    # Agents that say nothing

    async def _watch_agents(self) -> None:
        last = self._monotonic_seconds()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = self._monotonic_seconds()
            stood_still = now - last - _WATCH_SECONDS
            last = now
            if stood_still > _WATCH_SECONDS:
                # What they said meanwhile is still to be read.
                continue
            for agent_id, heard_at in list(self._heard_at.items()):
                if now - heard_at > self._lost_seconds:
                    known = self._link_of_agent.get(agent_id)
                    fault = "" if known is None else self._faults.of(known.node_id)
                    silence = f"Nothing was heard of it for {self._lost_seconds:g} s."
                    self._lose(agent_id, words_of(silence, fault))

    def _lose(self, agent_id: str, reason: str) -> None:
        self._heard_at.pop(agent_id, None)
        self._lost[agent_id] = None
        while len(self._lost) > _LOST_REMEMBERED:
            self._lost.popitem(last=False)
        link = self._link_of_agent.pop(agent_id, None)
        if link is not None and link.agent_id == agent_id:
            link.is_joined = False
        self.tell(AgentLost(agent_id, reason))

    def _link_of(self, agent_id: str) -> Link | None:
        link = self._link_of_agent.get(agent_id)
        return link if link is not None and link.is_joined and link.agent_id == agent_id else None

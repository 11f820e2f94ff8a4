"""One node's agent, seen from the scheduler: what it says, what is on its way to it, and the room that it takes."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from elasticjob_cloud.agent.scheduler_link.frames import (
    Acknowledge,
    Commands,
    Draining,
    EndIfIdle,
    Events,
    Farewell,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    LogAnswer,
    Ping,
    Refused,
    Retire,
    SandboxesAnswer,
    SchedulerFrame,
    Welcome,
    decode_agent_frame,
    encode_frame,
)
from elasticjob_cloud.engine.questions import Questions
from elasticjob_cloud.engine.ray.frames import Forward, Held, Hold, NodeSeen, Release, ToGateway
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentInfo,
    Command,
    DisksMeasured,
    EngineEvent,
    Inventory,
    Launch,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState

_log = structlog.get_logger(__name__)
_GIVE_BACK_SECONDS = 10.0
# Each message costs a call through Ray, and no agent waits for this one.
_ACKNOWLEDGE_SECONDS = 0.2
# So long before its node is taken away an agent ends its tasks: time for its grace, and for the word of it to get through.
_BEFORE_END_SECONDS = 5.0
_DRAINS = "Ray drains its node."


class _Room(NamedTuple):
    milli_cpus: int
    memory_kib: int

    def holds(self, other: "_Room") -> bool:
        return self.milli_cpus >= other.milli_cpus and self.memory_kib >= other.memory_kib

    def or_more(self, other: "_Room") -> "_Room":
        return _Room(max(self.milli_cpus, other.milli_cpus), max(self.memory_kib, other.memory_kib))


class Headquarters(Protocol):
    """What a link takes from its engine."""

    hello: Hello
    renewals: int

    def tell_gateway(self, frame: ToGateway) -> None:
        """Send a message to the gateway."""

    def tell(self, event: EngineEvent) -> None:
        """Hand an event to the scheduler."""

    def joined(self, link: "Link", inventory: Inventory) -> None:
        """An agent is there, or there again."""

    def heard(self, agent_id: str) -> None:
        """An agent has said something."""

    def has_left(self, agent_id: str, reason: str) -> None:
        """An agent has ended, with all that it ran, and has told of all of it."""

    def is_lost(self, agent_id: str) -> bool:
        """Whether the scheduler was told that the agent is gone for good."""

    def leads(self) -> bool:
        """Whether the lease is surely ours at this moment."""

    def refused(self, link: "Link", refused: Refused) -> None:
        """The agent obeys another scheduler."""


class Link:
    """The present agent of one node. All methods are called on the loop's thread."""

    def __init__(self, engine: Headquarters, node: NodeSeen) -> None:
        self.agent_id = ""
        self.predecessors: frozenset[str] = frozenset()
        self.is_joined = False
        self.is_released = False
        self.is_ending = False  # the agent, as it says
        self.node_id = node.node_id
        self._engine = engine
        self._node = node
        self._session = ""
        self._questions = Questions(self._send)
        self._taken = _Room(0, 0)
        self._leased = _Room(0, 0)
        self._knows_leased = False
        self._asked = _Room(0, 0)
        self._needed = _Room(0, 0)  # the most that was taken since it was thought of to give back
        self._launches: list[Launch] = []  # that wait for their room
        self._sent: set[str] = set()  # tasks launched in this session that have not ended
        self._hold_number = 0
        self._giving_back: asyncio.TimerHandle | None = None
        self._committed = 0  # up to this batch, and not told yet
        self._acknowledging: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None  # before the node is taken away
        self._is_due_to_end = False
        self._follow_drain()

    @property
    def questions(self) -> Questions:
        """Where to ask the agent."""
        return self._questions

    def seen(self, node: NodeSeen) -> None:
        """The node has another size, or drains; the agent tells again what it holds, so that the scheduler learns it."""
        self._node = node
        self._follow_drain()
        self.greet_again()

    def opened(self, session: str) -> None:
        """Messages get through from now on."""
        self._session = session
        self.is_released = False
        self._send(self._engine.hello)

    def greet_again(self) -> None:
        """Have the agent tell anew what it holds; one that has not joined will, anyway."""
        if self.is_joined:
            self._send(self._engine.hello)

    def ended(self) -> None:
        """Messages may have been lost: what is still due is sent again when the agent has joined again."""
        self._session = ""
        self.is_joined = False
        self._launches.clear()
        self._sent.clear()
        self._leased = _Room(0, 0)
        self._knows_leased = False
        self._questions.fail()
        if self._giving_back is not None:
            self._giving_back.cancel()
            self._giving_back = None
        if self._acknowledging is not None:
            self._acknowledging.cancel()
            self._acknowledging = None

    def forget(self) -> None:
        """The node is gone, or the gateway that told of it."""
        self.ended()
        if self._ending is not None:
            self._ending.cancel()

    def release(self) -> None:
        """Let go of the node, with the agent. What an agent says in a session to come is another's, or a new beginning."""
        self.ended()
        self.is_released = True
        self.predecessors |= {self.agent_id}
        self.agent_id = ""
        self._hold_number += 1  # what is still answered is given back by then
        self._engine.tell_gateway(Release(self._node.node_id))

    def arrived(self, session: str, frames: list[bytes]) -> None:
        """Take up what the agent said."""
        if session == self._session:
            for content in frames:
                self._handle(content)

    def command(self, commands: Sequence[Command]) -> None:
        """Send commands; launches not before their room is leased, and all others at once.

        A kill that overtakes its launch is no harm: the agent refuses the launch then.
        """
        if not self.is_joined:
            return
        if self._leased.holds(self._taken):
            self._command(commands)
            return
        self._launches += [command for command in commands if isinstance(command, Launch)]
        others: list[Command] = [command for command in commands if not isinstance(command, Launch)]
        if others:
            self._command(others)

    def acknowledge(self, sequence: int) -> None:
        """Let the agent know within a moment that its batches up to this one are committed."""
        self._committed = sequence
        if self._acknowledging is None:
            loop = asyncio.get_running_loop()
            self._acknowledging = loop.call_later(_ACKNOWLEDGE_SECONDS, self._acknowledge)

    def reserve(self, milli_cpus: int, memory_kib: int) -> None:
        """Lease what is taken from now on; what was not needed for a while is given back."""
        self._taken = _Room(milli_cpus, memory_kib)
        self._needed = self._needed.or_more(self._taken)
        if not self._knows_leased or not self._leased.holds(self._taken):
            # Also when nothing is taken: what an earlier leader leased is to be given back.
            self._lease(self._taken)
        elif self._asked != self._taken and self._giving_back is None:
            self._think_of_giving_back()

    def held(self, held: Held) -> None:
        """Ray has leased what was asked for, or not."""
        if held.number != self._hold_number:
            return  # another answer is on its way
        self._leased = _Room(held.milli_cpus, held.memory_kib)
        self._knows_leased = True
        launches, self._launches = self._launches, []
        if self._leased.holds(self._taken):
            if launches:
                self._command(launches)
        elif launches:
            self._drop(launches, held.fault or "Ray did not lease the room.")

    def _follow_drain(self) -> None:
        """Place nothing more on a node that drains, and end what runs before it is taken away, while that can be told."""
        if not self._node.is_draining:
            return
        if self.is_joined:
            self._engine.tell(AgentDraining(self.agent_id, _DRAINS))
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._node.left_seconds is not None:
            seconds = max(0.0, self._node.left_seconds - _BEFORE_END_SECONDS)
            self._ending = asyncio.get_running_loop().call_later(seconds, self._end_in_time)

    def _end_in_time(self) -> None:
        self._ending = None
        self._is_due_to_end = True
        if self.is_joined and not self.is_ending:
            _log.warning("The node is about to be taken away: its tasks are ended.", agent=self.agent_id)
            self._send(Retire("Ray takes its node away."))

    def _acknowledge(self) -> None:
        self._acknowledging = None
        self._send(Acknowledge(self._committed))

    def _lease(self, room: _Room) -> None:
        self._hold_number += 1
        self._asked = room
        self._engine.tell_gateway(Hold(self._node.node_id, self._hold_number, *room))

    def _think_of_giving_back(self) -> None:
        self._needed = self._taken
        loop = asyncio.get_running_loop()
        self._giving_back = loop.call_later(_GIVE_BACK_SECONDS, self._give_back)

    def _give_back(self) -> None:
        self._giving_back = None
        if self._asked != self._needed and self._leased.holds(self._needed):
            self._lease(self._needed)
        if self._needed != self._taken:
            self._think_of_giving_back()

    def _command(self, commands: Sequence[Command]) -> None:
        self._sent |= _tasks_of(commands)
        self._send(Commands(list(commands)))

    def _drop(self, launches: list[Launch], reason: str) -> None:
        """Tell that the tasks never started, but for those that the agent has from an earlier launch."""
        now_ms = time.time_ns() // 1_000_000
        never_sent = sorted(_tasks_of(launches) - self._sent)
        dropped = tuple(TaskStatus(task_id, TaskState.DROPPED, now_ms, reason) for task_id in never_sent)
        if dropped:
            # Not of the agent, and so without a number of its batches.
            self._engine.tell(AgentEvents(self.agent_id, 0, dropped))

    def _send(self, frame: SchedulerFrame) -> None:
        if self._session:
            frames = [encode_frame(frame)]
            self._engine.tell_gateway(Forward(self._node.node_id, self._session, frames))

    def _handle(self, content: bytes) -> None:
        try:
            frame = decode_agent_frame(content)
        except msgspec.DecodeError as error:
            # One agent of another version must not cost the way to all of them.
            _log.error("A message of an agent cannot be read.", agent=self.agent_id, reason=str(error))
            return
        if self.agent_id:
            self._engine.heard(self.agent_id)
        match frame:
            case Welcome(inventory, heartbeat):
                self._welcome(inventory, heartbeat)
            case Events(batch):
                self._sent -= _ended_of(batch)
                if self.is_joined:
                    self._engine.tell(batch)
            case Heartbeat(number, disks):
                self._take_heartbeat(number, disks)
            case Refused():
                self.is_joined = False
                self._engine.refused(self, frame)
            case LogAnswer() | SandboxesAnswer():
                self._questions.answered(frame)
            case Draining(reason):
                self.is_ending = True
                if self.is_joined:
                    self._engine.tell(AgentDraining(self.agent_id, f"It is ending: {reason}"))
            case Farewell(reason):
                self.is_joined = False
                self._engine.has_left(self.agent_id, reason)
            case Ping() | EndIfIdle():
                pass

    def _take_heartbeat(self, number: int, disks: tuple[Disk, ...]) -> None:
        if self._engine.is_lost(self.agent_id):
            self._retire()
            return
        if self.is_joined and self._engine.leads():
            self._send(HeartbeatSeen(number, self._engine.renewals))
        if self.is_joined and disks:
            self._engine.tell(DisksMeasured(self.agent_id, disks))

    def _welcome(self, inventory: Inventory, heartbeat: int) -> None:
        agent_id = inventory.agent.agent_id
        if self._engine.is_lost(agent_id):
            self.is_joined = False
            self._retire()
            return
        self.agent_id = agent_id
        self.predecessors = frozenset(inventory.predecessors)
        self.is_joined = True
        self.is_ending = False
        if heartbeat and self._engine.leads():
            # Before the scheduler's first command, which an agent whose fence is over would not carry out.
            self._send(HeartbeatSeen(heartbeat, self._engine.renewals))
        self._engine.joined(self, msgspec.structs.replace(inventory, agent=self._described(inventory.agent)))
        if self._is_due_to_end:
            self._end_in_time()

    def _retire(self) -> None:
        """Its tasks are another's by now: it must not go on under this name."""
        self._send(Retire("its tasks count as lost since it was cut off."))

    def _described(self, agent: AgentInfo) -> AgentInfo:
        node = self._node
        return msgspec.structs.replace(
            agent,
            hostname=node.hostname,
            ip=node.ip,
            cpus=node.milli_cpus / 1000,
            memory_mb=node.memory_kib / 1024,
            draining=_DRAINS if node.is_draining else "",
        )


def _tasks_of(commands: Sequence[Command]) -> set[str]:
    return {spec.task_id for command in commands if isinstance(command, Launch) for spec in command.tasks}


def _ended_of(batch: AgentEvents) -> set[str]:
    return {it.task_id for it in batch.events if isinstance(it, TaskStatus) and it.state.is_terminal}

"""What an agent and its scheduler say to each other: who is obeyed, what is carried out, and what is told.

One scheduler at a time. Others that connect may greet, ping, or ask the agent to end if it is idle.
"""

import asyncio
import contextlib
from typing import Protocol

import msgspec
import structlog

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.scheduler_link.clocks import heart_ms
from elasticjob_cloud.agent.scheduler_link.frames import (
    Acknowledge,
    Commands,
    Draining,
    EndIfIdle,
    Events,
    Farewell,
    FrameProtocol,
    Goodbye,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    ListSandboxes,
    Ping,
    ReadLog,
    Retire,
    SandboxesAnswer,
    SchedulerFrame,
    Welcome,
    decode_scheduler_frame,
)
from elasticjob_cloud.agent.scheduler_link.heart import Heart
from elasticjob_cloud.agent.scheduler_link.log_desk import LogDesk
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.agent.scheduler_link.obeyed_file import ObeyedFile
from elasticjob_cloud.agent.scheduler_link.peers import Starter
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.messages import AgentEvents, Command

_log = structlog.get_logger(__name__)
_FAREWELL_SECONDS = 1.0
# What a scheduler has not read of what is told to it, beyond what it was told at first. It hears all of it when it is back.
_BACKLOG_BYTES = 64 << 20


class Host(Protocol):
    """The process that the agent lives in."""

    def stop(self, reason: str) -> None:
        """End, with all tasks."""

    def fence(self, reason: str) -> None:
        """End at once: the tasks may be started elsewhere."""

    def note_contact(self) -> None:
        """Somebody watches over this process."""


class Conversation:
    """The agent's side. `heart` is None where nobody else could take the agent's tasks."""

    def __init__(
        self, agent: Agent, host: Host, heart: Heart | None, starter: Starter, obeyed_file: ObeyedFile
    ) -> None:
        self._agent = agent
        self._logs = LogDesk()
        self._host = host
        self._heart = heart
        self._starter = starter
        self._obeyed_file = obeyed_file
        self._obedience = Obedience()
        self._scheduler: FrameProtocol | None = None
        self._backlog_limit = _BACKLOG_BYTES
        self.predecessors: tuple[str, ...] = ()  # the ids of the agents that had the directory before
        self.is_draining = False  # the scheduler has said that it stops
        self._is_closing = False
        self._told_disks: tuple[Disk, ...] = ()  # to the present scheduler
        self._hung_up = asyncio.Event()  # the scheduler, or its connection

    @property
    def has_scheduler(self) -> bool:
        """Whether a scheduler is connected and obeyed."""
        return self._scheduler is not None

    def agent_ids(self) -> tuple[str, ...]:
        """Give the ids of this agent and of those before it."""
        return (self._agent.info.agent_id, *self.predecessors)

    def resume(self) -> None:
        """Obey whom the predecessor obeyed a moment ago, if anybody."""
        obeyed = self._obeyed_file.read(heart_ms())
        if obeyed is not None:
            self._obedience.obey(obeyed)

    def beat(self) -> None:
        """Send a heartbeat when it is due, and note on disk who is obeyed."""
        if self._scheduler is not None:
            self._obeyed_file.keep(self._obedience.hello, heart_ms())
        if self._heart is not None and self._scheduler is not None and self._heart.is_due(heart_ms()):
            self._scheduler.send(Heartbeat(self._heart.beat(heart_ms()), self._new_disks()))

    def begin_to_close(self, reason: str) -> None:
        """Tell the scheduler that is there that the agent ends; it still hears of each task's end."""
        self._is_closing = True
        if self._scheduler is not None:
            self._scheduler.send(Draining(reason))

    async def take_leave(self, reason: str, *, has_ended: bool) -> None:
        """Close the scheduler's connection, with a farewell where all tasks have ended."""
        if self._scheduler is None:
            return
        if has_ended:
            self._scheduler.send(Farewell(reason))
        self._hung_up.clear()
        self._scheduler.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._hung_up.wait()

    def emit(self, batch: AgentEvents) -> None:
        """Tell a batch of events to the scheduler that is there."""
        scheduler = self._scheduler
        if scheduler is None:
            return
        if scheduler.unsent_bytes > self._backlog_limit:
            _log.error("The scheduler reads nothing; its connection is closed.")
            self._scheduler = None
            scheduler.abort()
            return
        scheduler.send(Events(batch))

    def receive(self, connection: FrameProtocol, content: bytes) -> None:
        """Take a message from a connection."""
        frame = decode_scheduler_frame(content)
        if self._is_closing:
            self._receive_at_end(connection, frame)
            return
        if isinstance(frame, Hello):
            self._greet(connection, frame)
            return
        if isinstance(frame, Ping):
            # Keepers, which watch over this process, send it too.
            self._host.note_contact()
            if connection is self._scheduler:
                self._obedience.note_renewals(frame.renewals)
                frame = msgspec.structs.replace(frame, disks=self._new_disks())
            connection.send(frame)
            return
        if isinstance(frame, EndIfIdle):
            if self._holds_tasks():
                connection.send(frame)
            else:
                self._host.stop("it was asked to end, and holds no tasks.")
            return
        if connection is not self._scheduler:
            # It was taken over by another, or never said hello: what it still sends does not count.
            connection.abort()
            return
        match frame:
            case Commands(commands):
                self._obey(connection, commands)
            case Acknowledge(sequence):
                self._agent.acknowledge(sequence)
            case ReadLog():
                self._logs.read(self._agent, connection, frame)
            case ListSandboxes(request, app_name):
                connection.send(SandboxesAnswer(request, self._agent.sandboxes(app_name)))
            case HeartbeatSeen(number, renewals):
                self._obedience.note_renewals(renewals)
                if self._heart is not None:
                    self._heart.seen(number)
            case Retire(reason):
                self._host.fence(reason)
            case Goodbye():
                self.is_draining = True

    def _receive_at_end(self, connection: FrameProtocol, frame: SchedulerFrame) -> None:
        if connection is not self._scheduler:
            # It came just before the end, and speaks only now: what it had started would outlive this process.
            connection.abort()
            return
        match frame:
            case Commands(commands):
                self._agent.refuse(commands)
            case Acknowledge(sequence):
                self._agent.acknowledge(sequence)
            case Ping():
                connection.send(frame)
            case ReadLog():
                self._logs.read(self._agent, connection, frame)
            case _:
                pass  # what is asked of an agent that stays

    def _new_disks(self) -> tuple[Disk, ...]:
        """Give the disks if they were measured since the scheduler was told of them."""
        disks = self._agent.disks
        if disks is self._told_disks:
            return ()
        self._told_disks = disks
        return disks

    def _holds_tasks(self) -> bool:
        return any(not status.state.is_terminal for status in self._agent.inventory().tasks)

    def _obey(self, connection: FrameProtocol, commands: list[Command]) -> None:
        if self._heart is not None and self._heart.is_fenced(heart_ms()):
            # They may be as old as what runs elsewhere by now. A new hello settles what is still wanted.
            _log.warning("Commands came late, and are not carried out.", count=len(commands))
            connection.abort()
            return
        self._agent.handle(commands)

    def _greet(self, connection: FrameProtocol, hello: Hello) -> None:
        if not self._obedience.has_obeyed and self._starter.comes_first(connection):
            _log.warning("Another process connected before the one that started this agent; it is refused.")
            connection.abort()
            return
        if hello.lineage is not None:
            # Nothing that this process keeps, on the disk as well, can be shown to an agent.
            hello = msgspec.structs.replace(hello, lineage=hello.lineage.sealed())
        is_led = self._scheduler is not None and self._scheduler is not connection
        refused = self._obedience.refusal_of(hello, is_led=is_led)
        if refused is not None:
            _log.warning(
                "Refused a scheduler.", epoch=hello.epoch, obeyed=refused.epoch, reason=refused.reason
            )
            connection.send(refused)
            connection.close()
            return
        refused = self._obedience.obey(hello)
        self._obeyed_file.keep_at_once(self._obedience.hello, heart_ms())
        former, self._scheduler = self._scheduler, connection
        if former is not None and former is not connection:
            former.send(refused)
            former.close()
        self.is_draining = False
        # Batches first: closing the one of this turn must not be told twice.
        batches = self._agent.unacknowledged()
        inventory = msgspec.structs.replace(self._agent.inventory(), predecessors=self.predecessors)
        self._told_disks = inventory.agent.disks
        heartbeat = 0 if self._heart is None else self._heart.beat(heart_ms())
        connection.send(Welcome(inventory, heartbeat))
        for batch in batches:
            connection.send(Events(batch))
        self._backlog_limit = connection.unsent_bytes + _BACKLOG_BYTES

    def lost(self, connection: FrameProtocol) -> None:
        """Take the end of a connection."""
        if connection is self._scheduler:
            self._scheduler = None
            self._hung_up.set()

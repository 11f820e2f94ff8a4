"""What a scheduler on the same machine and its agent say to each other: msgpack messages, each after its length.

A scheduler begins with `Hello`; the agent answers `Welcome` with all that it holds, or `Refused`. A command needs no
epoch of its own: it counts as the epoch of the connection that it came by.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import AgentEvents, Command, Inventory, LogChunk, Sandbox
from elasticjob_cloud.model.queries.logs import LogHits, LogPieces, LogQuestion

# `newer`: it leads with your record, after you. `copy`: your record is an older copy of its one. `other`: neither.
RefusalReason = Literal["", "newer", "copy", "other"]
_log = structlog.get_logger(__name__)
_LENGTH = struct.Struct(">I")
_FRAME_LIMIT_BYTES = 256 << 20


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Scheduler: I lead with this epoch, and this record.

    Without a lineage it is of an earlier version, of which the epoch alone tells who leads. `takes_over`: also where the
    record is not what the agent knows.
    """

    epoch: int
    lineage: Lineage | None = None
    takes_over: bool = False


class Commands(msgspec.Struct, frozen=True, tag="commands"):
    """Scheduler: do this, in order."""

    commands: list[Command]


class Acknowledge(msgspec.Struct, frozen=True, tag="acknowledge"):
    """Scheduler: the batches up to this one are committed."""

    sequence: int


class ReadLog(msgspec.Struct, frozen=True, tag="read-log"):
    """Scheduler: show a part of a task's output.

    `question` says more than that, and counts instead. An agent of an earlier version knows none, and shows the part.
    """

    request: int
    task_id: str
    stream: str
    offset: int
    limit: int
    question: LogQuestion | None = None


class ListSandboxes(msgspec.Struct, frozen=True, tag="list-sandboxes"):
    """Scheduler: where are the app's files."""

    request: int
    app_name: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Scheduler: are you there. The agent gives it back. `renewals`: of my lease, as far as they are recorded.

    `disks`: what the agent has measured since it told the last time. It needs no message of its own, since a scheduler
    of an earlier version would close the connection over one that it does not know.
    """

    renewals: int = 0
    disks: tuple[Disk, ...] = ()


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """Agent: I live. Told by those that fence themselves. `disks`: as in `Ping`."""

    number: int
    disks: tuple[Disk, ...] = ()


class HeartbeatSeen(msgspec.Struct, frozen=True, tag="heartbeat-seen"):
    """Scheduler: I had this heartbeat while I led, and reckon from it when your tasks are another's.

    `renewals`: of my lease, as far as they are recorded.
    """

    number: int
    renewals: int = 0


class Retire(msgspec.Struct, frozen=True, tag="retire"):
    """Scheduler: your tasks count as lost. End all that runs, and yourself."""

    reason: str


class EndIfIdle(msgspec.Struct, frozen=True, tag="end-if-idle"):
    """From the agent's keeper: end unless you hold tasks, so that an agent of another build can follow.

    The agent sends it back when it stays.
    """


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """Scheduler: I stop, for now without a successor. Finish what runs."""


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Agent: I obey you; this is what I hold. Batches that nobody acknowledged follow.

    `heartbeat`: the number of the one that this is too, from an agent that fences itself; else 0. An agent that nobody
    led for long carries no command out until one is seen: the scheduler can have this one seen before it commands.
    """

    inventory: Inventory
    heartbeat: int = 0


class Draining(msgspec.Struct, frozen=True, tag="draining"):
    """Agent: I am ending what runs, and then myself. Launches that still come are dropped."""

    reason: str


class Farewell(msgspec.Struct, frozen=True, tag="farewell"):
    """Agent: nothing that I started runs any more, and I have told of all of it. I end now."""

    reason: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Agent: I obey another scheduler, whose epoch is this. `reason`: what that one is to you; empty: just newer."""

    epoch: int
    reason: RefusalReason = ""


class Events(msgspec.Struct, frozen=True, tag="events"):
    """Agent: this happened."""

    batch: AgentEvents


class LogAnswer(msgspec.Struct, frozen=True, tag="log-answer"):
    """Agent: a part of a task's output, of one stream or of both, or what was found in it, or why there is none."""

    request: int
    chunk: LogChunk | None = None
    fault: str = ""
    reply: LogPieces | LogHits | None = None


class SandboxesAnswer(msgspec.Struct, frozen=True, tag="sandboxes-answer"):
    """Agent: where the app's files are."""

    request: int
    sandboxes: list[Sandbox]


SchedulerFrame = (
    Hello
    | Commands
    | Acknowledge
    | ReadLog
    | ListSandboxes
    | Ping
    | HeartbeatSeen
    | Retire
    | EndIfIdle
    | Goodbye
)
AgentFrame = (
    Welcome
    | Refused
    | Events
    | LogAnswer
    | SandboxesAnswer
    | Ping
    | Heartbeat
    | EndIfIdle
    | Draining
    | Farewell
)

_scheduler_decoder: msgspec.msgpack.Decoder[SchedulerFrame] = msgspec.msgpack.Decoder(SchedulerFrame)
_agent_decoder: msgspec.msgpack.Decoder[AgentFrame] = msgspec.msgpack.Decoder(AgentFrame)
_encode_frame = msgspec.msgpack.Encoder().encode


def encode_frame(frame: SchedulerFrame | AgentFrame) -> bytes:
    """Write a message for those who hand it on unread."""
    return _encode_frame(frame)


def decode_scheduler_frame(content: bytes) -> SchedulerFrame:
    """Read what a scheduler sent; raises `msgspec.DecodeError`."""
    return _scheduler_decoder.decode(content)


def decode_agent_frame(content: bytes) -> AgentFrame:
    """Read what an agent sent; raises `msgspec.DecodeError`."""
    return _agent_decoder.decode(content)


class FrameProtocol(asyncio.Protocol):
    """Both ends of such a connection: cuts the stream into messages, and hands each on.

    A message that cannot be read closes the connection: both ends are of one version, so that it is a fault.
    """

    def __init__(
        self,
        receive: Callable[["FrameProtocol", bytes], None],
        lost: Callable[["FrameProtocol"], None],
    ) -> None:
        self._receive = receive
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent has not left this process."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, frame: msgspec.Struct) -> None:
        """Send a message; on a closed connection it is lost."""
        self.send_encoded(_encode_frame(frame))

    def send_encoded(self, content: bytes) -> None:
        """Send a message that is encoded already."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_LENGTH.pack(len(content)) + content)

    def finish(self) -> None:
        """Send no more, and let the other end close once it has read all: what it tells meanwhile is still taken.

        After `close` a message of the other end to us would fail, and that costs it the messages that it has not read.
        """
        if self.is_open:
            assert self._transport is not None
            self._transport.write_eof()

    def close(self) -> None:
        """Close once all that was sent has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                end = start + _LENGTH.size + length
                if length > _FRAME_LIMIT_BYTES:
                    raise ValueError(f"a message of {length} bytes")  # noqa: TRY301 - one way out for all faults
                if len(buffer) < end:
                    break
                content = bytes(buffer[start + _LENGTH.size : end])
                start = end
                self._receive(self, content)
        except Exception:  # noqa: BLE001 - contained: a broken peer, or our handling of it, costs this connection only
            _log.exception("A message could not be handled.")
            self.abort()
        del buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._lost(self)

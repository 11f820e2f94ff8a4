"""Messages between scheduler and agent, cut from a stream."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.scheduler_link.frames import (
    Acknowledge,
    Commands,
    FrameProtocol,
    Goodbye,
    Heartbeat,
    Hello,
    Ping,
    SchedulerFrame,
    decode_agent_frame,
    decode_scheduler_frame,
    encode_frame,
)
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.messages import Kill, StopExecutor


class Wire(asyncio.Transport):
    """A transport that keeps what is written, and tells when it was aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def connected(received: list[bytes]) -> tuple[FrameProtocol, Wire]:
    protocol, wire = FrameProtocol(lambda _, content: received.append(content), lambda _: None), Wire()
    protocol.connection_made(wire)
    return protocol, wire


def written(*frames: SchedulerFrame) -> bytes:
    protocol, wire = connected([])
    for frame in frames:
        protocol.send(frame)
    return wire.written


_FRAMES: tuple[SchedulerFrame, ...] = (
    Hello(3),
    Commands([Kill(("a", "b"), "enough"), StopExecutor("app")]),
    Acknowledge(12),
    Ping(),
    Goodbye(),
)


@given(st.lists(st.integers(1, 200), max_size=20))
def test_messages_arrive_whole_and_in_order_however_the_stream_is_cut(cuts: list[int]) -> None:
    received: list[bytes] = []
    protocol, _ = connected(received)
    stream = written(*_FRAMES)
    for cut in cuts:
        protocol.data_received(stream[:cut])
        stream = stream[cut:]
    protocol.data_received(stream)
    assert [decode_scheduler_frame(content) for content in received] == list(_FRAMES)


class _EarlierPing(msgspec.Struct, frozen=True, tag="ping"):
    renewals: int = 0


class _EarlierHeartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    number: int


def test_disks_do_not_keep_another_version_from_reading_what_they_come_with() -> None:
    disks = (Disk("/", 1, 100),)
    earlier = msgspec.msgpack.Decoder(_EarlierPing | _EarlierHeartbeat)
    assert earlier.decode(encode_frame(Ping(3, disks))) == _EarlierPing(3)
    assert earlier.decode(encode_frame(Heartbeat(3, disks))) == _EarlierHeartbeat(3)
    assert decode_agent_frame(msgspec.msgpack.encode(_EarlierPing(3))) == Ping(3)
    assert decode_agent_frame(msgspec.msgpack.encode(_EarlierHeartbeat(3))) == Heartbeat(3)
    assert decode_agent_frame(encode_frame(Ping(3, disks))) == Ping(3, disks)


def test_message_that_is_too_long_ends_the_connection() -> None:
    received: list[bytes] = []
    protocol, wire = connected(received)
    protocol.data_received(b"\xff\xff\xff\xff")
    assert wire.aborted
    assert not received


def test_message_that_cannot_be_handled_ends_the_connection() -> None:
    def refuse(_: FrameProtocol, content: bytes) -> None:
        decode_scheduler_frame(content[:-1])

    protocol, wire = FrameProtocol(refuse, lambda _: None), Wire()
    protocol.connection_made(wire)
    protocol.data_received(written(Hello(3)))
    assert wire.aborted


def test_nothing_is_sent_on_a_closed_connection() -> None:
    protocol, wire = connected([])
    protocol.abort()
    protocol.send(Ping())
    assert wire.written == b""
    assert not protocol.is_open


@pytest.mark.parametrize(
    "content", [b"", b"\xc1", msgspec.msgpack.encode({"type": "hello"}), b"\x81\xa4type\xa3new"]
)
def test_what_is_no_message_is_refused(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_scheduler_frame(content)

"""Gateways that come, end and stand still, seen from the scheduler: their end of the socket is in the test's hand."""

import asyncio
import io
import itertools
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from elasticjob_cloud.engine.ray import gateway_process as module
from elasticjob_cloud.engine.ray.frames import (
    Beat,
    Begin,
    FromGateway,
    GatewaySettings,
    Ready,
    Trouble,
    decode_to_gateway,
)
from elasticjob_cloud.engine.ray.gateway_log import keep_log
from elasticjob_cloud.engine.ray.gateway_process import GatewayProcess
from tests.unit.virtual_loop import run_in_virtual_time

_SETTINGS = GatewaySettings(address="auto", namespace="n", agent_dir="/a", agent_settings="{}")


class StubGateway:
    """Stands for the process, and for what runs in it."""

    def __init__(self, descriptor: int) -> None:
        self.connection = socket.socket(fileno=os.dup(descriptor))
        self.connection.setblocking(False)
        self.waited = False

    def say(self, frame: FromGateway) -> None:
        content = msgspec.msgpack.encode(frame)
        self.connection.send(struct.pack(">I", len(content)) + content)

    def heard(self) -> bytes:
        return self.connection.recv(1 << 16)

    def end(self) -> None:
        self.connection.close()

    def wait(self, _: float | None = None) -> int:
        self.waited = True
        return 0


class World:
    """What was started and told."""

    def __init__(self) -> None:
        self.gateways: list[StubGateway] = []
        self.told: list[FromGateway] = []
        self.losses = 0
        self.process = GatewayProcess(_SETTINGS, self.told.append, self._lose)

    def _lose(self) -> None:
        self.losses += 1

    def spawn(self, _: GatewaySettings, descriptor: int, __: Path | None) -> StubGateway:
        self.gateways.append(StubGateway(descriptor))
        return self.gateways[-1]


def play(monkeypatch: pytest.MonkeyPatch, scenario: Callable[[World], Awaitable[None]]) -> World:
    world: list[World] = []

    async def run() -> None:
        world.append(World())
        monkeypatch.setattr(module, "_spawn", world[0].spawn)
        world[0].process.start()
        await asyncio.sleep(0.1)
        await scenario(world[0])
        await world[0].process.stop()

    run_in_virtual_time(run())
    for gateway in world[0].gateways:
        assert gateway.waited
        gateway.end()
    return world[0]


def test_messages_go_both_ways_and_beats_are_kept_from_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.gateways[0].say(Beat())
        world.gateways[0].say(Ready())
        await asyncio.sleep(0.1)
        assert world.told == [Ready()]
        world.process.send(Begin())
        assert decode_to_gateway(world.gateways[0].heard()[4:]) == Begin()

    play(monkeypatch, scenario)


def test_gateway_that_ends_is_told_as_lost_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.gateways[0].say(Ready())
        await asyncio.sleep(0.1)
        world.gateways[0].end()
        await asyncio.sleep(0.5)
        assert (len(world.gateways), world.losses) == (1, 1)
        await asyncio.sleep(1)
        assert (len(world.gateways), world.losses) == (2, 1)

    assert play(monkeypatch, scenario).losses == 2


def test_gateway_that_stands_still_is_replaced_before_the_agents_fence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        for _ in range(10):
            world.gateways[0].say(Beat())
            await asyncio.sleep(1)
        assert len(world.gateways) == 1
        await asyncio.sleep(7)
        assert len(world.gateways) == 2

    play(monkeypatch, scenario)


def test_gateway_may_take_long_to_say_its_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        await asyncio.sleep(55)
        assert len(world.gateways) == 1
        await asyncio.sleep(10)
        assert len(world.gateways) == 2

    play(monkeypatch, scenario)


def test_gateways_that_cannot_join_are_started_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        started: list[float] = []
        for number in range(1, 300):
            if len(world.gateways) > len(started):
                started.append(number / 10)
                world.gateways[-1].say(Trouble("No cluster."))
                await asyncio.sleep(0)
                world.gateways[-1].end()
            await asyncio.sleep(0.1)
        pauses = [round(later - earlier) for earlier, later in itertools.pairwise(started)]
        assert pauses[:5] == [1, 2, 4, 5, 5]
        assert set(map(type, world.told)) == {Trouble}

    play(monkeypatch, scenario)


def test_gateway_that_ends_without_a_word_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.gateways[0].end()
        await asyncio.sleep(0.1)
        (trouble,) = world.told
        assert isinstance(trouble, Trouble)
        assert "before it had joined" in trouble.message

    play(monkeypatch, scenario)


def test_gateway_that_cannot_be_started_is_tried_again_whatever_was_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine at its limit of processes and threads says so by more than one kind of exception."""

    async def scenario(world: World) -> None:
        monkeypatch.setattr(module, "_spawn", refuse)
        world.gateways[0].end()
        await asyncio.sleep(3)
        assert Trouble("The gateway to Ray cannot be started: can't start new thread") in world.told
        monkeypatch.setattr(module, "_spawn", world.spawn)
        await asyncio.sleep(10)
        assert len(world.gateways) == 2

    def refuse(*_: object) -> StubGateway:
        raise RuntimeError("can't start new thread")

    play(monkeypatch, scenario)


def test_message_to_no_gateway_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        world.gateways[0].say(Ready())
        world.gateways[0].end()
        await asyncio.sleep(0.5)
        world.process.send(Begin())

    play(monkeypatch, scenario)


def test_what_a_gateway_prints_is_kept_and_limited(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    said = b"".join(b"line %05d \xff\n" % number for number in range(1_000))
    keep_log(io.BytesIO(said), path, limit_bytes=4_000).join(10)
    assert path.read_text().splitlines()[-1].startswith("line 00999")
    assert path.stat().st_size <= 4_000
    assert (tmp_path / "gateway.log.1").stat().st_size <= 4_000
    assert sorted(it.name for it in tmp_path.iterdir()) == ["gateway.log", "gateway.log.1"]


def test_log_that_cannot_be_written_does_not_hold_up_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logging.raiseExceptions", False)
    source = io.BytesIO(b"line\n" * 1_000)
    thread = keep_log(source, tmp_path / "missing" / "gateway.log")
    thread.join(10)
    assert not thread.is_alive()
    assert source.closed

"""What an agent says to a relay, and when the gateway that asks gets it: both ends of the socket are in the test's hand."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol
from elasticjob_cloud.engine.ray.relays.session import Session
from elasticjob_cloud.model.errors import UnavailableError
from tests.unit.virtual_loop import run_in_virtual_time

_MEGABYTE = 1 << 20


class World:
    """A session, and the agent at the other end of its connection."""

    def __init__(self) -> None:
        self.session = Session()
        self.heard: list[bytes] = []
        self.agent = FrameProtocol(lambda _, content: self.heard.append(content), lambda _: None)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        await loop.create_connection(lambda: self.session.protocol, sock=ours)
        await loop.create_connection(lambda: self.agent, sock=theirs)

    async def say(self, *contents: bytes) -> None:
        """Have the agent say something, and wait until it is there."""
        for content in contents:
            self.agent.send_encoded(content)
        expected = self.kept() + len(contents)
        await self.until(lambda: self.kept() >= expected)

    def kept(self) -> int:
        """Tell how many messages wait to be asked for."""
        return len(self.session._frames)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the sockets have carried what was said; that takes turns of the loop, and no time."""
        for _ in range(1_000):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("It never came.")


def play(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        world = World()
        await world.connect()
        await scenario(world)
        world.session.protocol.abort()
        world.agent.abort()
        await asyncio.sleep(0)

    run_in_virtual_time(run())


def test_first_word_after_a_silence_is_given_at_once() -> None:
    async def scenario(world: World) -> None:
        await asyncio.sleep(1)
        await world.say(b"a")
        asked_at = asyncio.get_running_loop().time()
        assert await world.session.receive(2.0) == [b"a"]
        assert asyncio.get_running_loop().time() == asked_at

    play(scenario)


def test_what_follows_an_answer_at_once_comes_together() -> None:
    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1)
        await world.say(b"a")
        await world.session.receive(2.0)
        answered_at = loop.time()
        asking = loop.create_task(world.session.receive(2.0))
        await world.say(b"b")
        await asyncio.sleep(0.005)
        await world.say(b"c")
        assert await asking == [b"b", b"c"]
        assert loop.time() - answered_at == pytest.approx(0.01, abs=0.002)

    play(scenario)


def test_silence_is_answered_with_nothing_after_the_time_that_was_asked_for() -> None:
    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        assert await world.session.receive(2.0) == []
        assert loop.time() - asked_at == pytest.approx(2.0, abs=0.01)

    play(scenario)


def test_much_is_given_in_parts_in_its_order() -> None:
    async def scenario(world: World) -> None:
        said = [bytes([number]) * 4 * _MEGABYTE for number in range(5)]
        await world.say(*said)
        answers = [await world.session.receive(2.0) for _ in range(3)]
        assert [len(answer or ()) for answer in answers] == [2, 2, 1]
        assert [frame for answer in answers for frame in answer or ()] == said

    play(scenario)


def test_all_that_an_agent_said_is_given_before_the_word_that_it_hung_up() -> None:
    async def scenario(world: World) -> None:
        await world.say(b"last words")
        world.agent.close()
        await world.until(lambda: world.session._closed)
        assert await world.session.receive(2.0) == [b"last words"]
        assert await world.session.receive(2.0) is None
        with pytest.raises(UnavailableError):
            world.session.send([b"too late"])

    play(scenario)


def test_session_that_nobody_asks_any_more_is_closed_and_keeps_nothing() -> None:
    async def scenario(world: World) -> None:
        await world.say(b"a")
        await asyncio.sleep(59)
        before = world.session.is_abandoned
        await asyncio.sleep(2)
        assert (before, world.session.is_abandoned) == (False, True)
        world.agent.send_encoded(b"b")
        await world.until(lambda: world.session._closed)
        assert world.kept() == 0

    play(scenario)

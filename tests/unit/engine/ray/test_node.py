"""How a gateway hands on what the scheduler says to a node's agent: the relay is the test's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.clusters.ray_nodes import MISSING, has_ray

if not has_ray():
    pytest.skip(MISSING, allow_module_level=True)

from elasticjob_cloud.engine.ray.frames import FromGateway, GatewaySettings, SessionOpened
from elasticjob_cloud.engine.ray.nodes.blocks import Leases, Room
from elasticjob_cloud.engine.ray.nodes.facts import NodeFacts
from elasticjob_cloud.engine.ray.nodes.node import Node
from tests.unit.virtual_loop import run_in_virtual_time

_SETTINGS = GatewaySettings(address="auto", namespace="n", agent_dir="/a", agent_settings="{}")
_FACTS = NodeFacts("n1", "host", "10.0.0.1", Room(1_000, 1_000), Room(1_000, 1_000))
_MEGABYTE = 1 << 20


class Method:
    """A method of an actor."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self.remote = call


class Relay:
    """A relay whose agent says nothing; a call takes a while, as one through Ray does."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.send = Method(self._send)
        self.receive = Method(self._receive)
        self.close = Method(self._close)

    async def _send(self, _: str, frames: list[bytes]) -> None:
        await asyncio.sleep(0.001)
        self.calls.append(frames)

    async def _receive(self, _: str, seconds: float) -> list[bytes]:
        await asyncio.sleep(seconds)
        return []

    def _close(self, _: str) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()


class Gateway:
    """Keeps what a node tells."""

    def __init__(self) -> None:
        self.told: list[FromGateway] = []

    def tell(self, frame: FromGateway) -> None:
        self.told.append(frame)

    async def in_finder_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    async def in_lease_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    def check_job(self) -> None:
        pass

    monitors_memory = True


def play_node(scenario: Callable[[Node, Gateway], Awaitable[None]]) -> None:
    """Run a scenario with a node that has no session."""

    async def run() -> None:
        gateway = Gateway()
        await scenario(Node(_SETTINGS, _FACTS, gateway, Leases("n")), gateway)

    run_in_virtual_time(run())


@contextlib.asynccontextmanager
async def talking(node: Node, relay: Relay, session: str) -> AsyncIterator[None]:
    """Have a session open, until it is cancelled."""
    task = asyncio.get_running_loop().create_task(node._talk(relay, session))
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def play(scenario: Callable[[Node, Relay], Awaitable[None]]) -> None:
    """Run a scenario with an open session named `s1`."""

    async def with_session(node: Node, gateway: Gateway) -> None:
        relay = Relay()
        async with talking(node, relay, "s1"):
            assert gateway.told == [SessionOpened("n1", "s1")]
            await scenario(node, relay)

    play_node(with_session)


def test_what_comes_while_a_call_is_under_way_goes_with_the_next_one_in_its_order() -> None:
    async def scenario(node: Node, relay: Relay) -> None:
        node.forward("s1", [b"a"])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        node.forward("s1", [b"b"])
        node.forward("s1", [b"c"])
        await asyncio.sleep(1)
        assert relay.calls == [[b"a"], [b"b", b"c"]]

    play(scenario)


def test_much_goes_in_parts_that_a_call_has_time_for() -> None:
    async def scenario(node: Node, relay: Relay) -> None:
        said = [bytes([number]) * 4 * _MEGABYTE for number in range(5)]
        node.forward("s1", said)
        await asyncio.sleep(1)
        assert [len(frames) for frames in relay.calls] == [2, 2, 1]
        assert [frame for frames in relay.calls for frame in frames] == said

    play(scenario)


def test_what_was_meant_for_an_earlier_session_is_not_handed_on() -> None:
    async def scenario(node: Node, relay: Relay) -> None:
        node.forward("s0", [b"late"])
        await asyncio.sleep(1)
        assert relay.calls == []

    play(scenario)


def test_sender_whose_session_ends_as_its_call_is_answered_takes_nothing_of_the_next_session() -> None:
    async def scenario(node: Node, _: Gateway) -> None:
        answered = asyncio.get_running_loop().create_future()
        first, second = Relay(), Relay()
        first.send = Method(lambda *_: answered)
        async with talking(node, first, "s1"):
            node.forward("s1", [b"a"])
            await asyncio.sleep(1)
            answered.set_result(None)
        first.send = Method(first._send)

        async with talking(node, second, "s2"):
            await asyncio.sleep(1)
            node.forward("s2", [b"hello"])
            await asyncio.sleep(1)
        assert (first.calls, second.calls) == ([], [[b"hello"]])

    play_node(scenario)

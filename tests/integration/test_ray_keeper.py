"""What a relay's keeper does when no agent can be started: without Ray, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from elasticjob_cloud.agent.frames import FrameProtocol
from elasticjob_cloud.agent.place import AgentPlace
from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.engine.ray import keeper as module
from elasticjob_cloud.engine.ray.keeper import AgentKeeper
from elasticjob_cloud.model.errors import UnavailableError
from tests.unit.virtual_loop import VirtualLoop


class StubLauncher:
    """Starts nothing, and can say so in the way of a machine at its limit of threads."""

    def __init__(self) -> None:
        self.refusals = 0
        self.fails = True

    def start(self) -> None:
        if self.fails:
            self.refusals += 1
            raise RuntimeError("can't start new thread")

    def fault(self) -> str:
        return ""

    def end_present(self) -> bool:
        return False


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def test_keeper_goes_on_trying_whatever_was_in_the_way_of_an_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = StubLauncher()
    monkeypatch.setattr(module, "AgentLauncher", lambda *_, **__: launcher)
    place = AgentPlace(tmp_path)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        keeper = AgentKeeper(place, AgentSettings())
        keeping = loop.create_task(keeper.run())
        while launcher.refusals < 2:
            assert not keeping.done(), keeping.exception()
            await asyncio.sleep(0.1)
        assert "can't start new thread" in keeper.fault
        launcher.fails = False
        place.ensure_socket_directory()
        agent = await loop.create_unix_server(
            lambda: FrameProtocol(lambda connection, _: None, lambda _: None), str(place.socket)
        )
        await asyncio.wait_for(keeper.is_up.wait(), 30)
        assert keeper.fault == ""
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        agent.close()

    play(scenario)


def test_agent_with_other_settings_that_does_not_answer_gets_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AgentLauncher", lambda *_, **__: StubLauncher())
    place = AgentPlace(tmp_path)

    async def scenario() -> None:
        keeper = AgentKeeper(place, AgentSettings(fence_seconds=10))
        place.ensure_socket_directory()
        agent = await asyncio.get_running_loop().create_unix_server(
            lambda: FrameProtocol(lambda connection, _: None, lambda _: None), str(place.socket)
        )
        keeping = asyncio.get_running_loop().create_task(keeper.run())
        await asyncio.wait_for(keeper.is_up.wait(), 30)
        await keeper.renew()  # nobody says that it is of another build
        place.write_process("agent", build_of(AgentSettings(fence_seconds=60)))
        with pytest.raises(UnavailableError, match="other settings"):
            await keeper.renew()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        agent.close()

    play(scenario)

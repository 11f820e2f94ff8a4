"""What a relay's keeper does when no agent can be started: without Ray, in virtual time."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import EndIfIdle, FrameProtocol, decode_scheduler_frame
from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.engine.ray.relays import keeper as module
from elasticjob_cloud.engine.ray.relays.keeper import AgentKeeper
from elasticjob_cloud.model.errors import UnavailableError
from tests.unit.virtual_loop import run_in_virtual_time


@pytest.fixture
def place(tmp_path: Path) -> Iterator[AgentDirectory]:
    made = AgentDirectory(tmp_path)
    yield made
    made.remove_socket_directory()  # it may lie in the temporary directory


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


class _Killer(StubLauncher):
    """Ends the agent's connections as its death does."""

    def __init__(self, agent: "_Agent") -> None:
        super().__init__()
        self._agent = agent
        self._loop = asyncio.get_running_loop()

    def end_present(self) -> bool:
        asyncio.run_coroutine_threadsafe(self._agent.die(), self._loop).result()
        return True


def test_keeper_goes_on_trying_whatever_was_in_the_way_of_an_agent(
    place: AgentDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = StubLauncher()
    monkeypatch.setattr(module, "AgentLauncher", lambda *_, **__: launcher)

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

    run_in_virtual_time(scenario())


def test_agent_with_other_settings_that_does_not_answer_gets_no_session(
    place: AgentDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AgentLauncher", lambda *_, **__: StubLauncher())

    async def scenario() -> None:
        keeper = AgentKeeper(place, AgentSettings(fence_seconds=10))
        agent = _Agent(place, lambda _: None)
        await agent.serve()
        keeping = asyncio.get_running_loop().create_task(keeper.run())
        await asyncio.wait_for(keeper.is_up.wait(), 30)
        await keeper.renew()  # nobody says that it is of another build
        place.write_process("agent", build_of(AgentSettings(fence_seconds=60)))
        with pytest.raises(UnavailableError, match="other settings"):
            await keeper.renew()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        agent.close()

    run_in_virtual_time(scenario())


class _Agent:
    """Stands where an agent listens; answers pings until it is asked to end, and then as it is told."""

    def __init__(self, place: AgentDirectory, answer: Callable[[FrameProtocol], None]) -> None:
        self._place = place
        self._answer = answer
        self._server: asyncio.Server
        self._connections: list[FrameProtocol] = []
        self._asked: set[FrameProtocol] = set()

    async def serve(self) -> None:
        self._place.ensure_socket_directory()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connect, str(self._place.socket))

    def close(self) -> None:
        self._server.close()

    @property
    def connected(self) -> int:
        """How often somebody came."""
        return len(self._connections)

    async def die(self) -> None:
        for connection in self._connections:
            connection.abort()

    def _connect(self) -> FrameProtocol:
        self._connections.append(FrameProtocol(self._receive, lambda _: None))
        return self._connections[-1]

    def _receive(self, connection: FrameProtocol, content: bytes) -> None:
        frame = decode_scheduler_frame(content)
        if isinstance(frame, EndIfIdle):
            self._asked.add(connection)
            self._answer(connection)
        elif connection not in self._asked:
            connection.send(frame)


def _retire(
    place: AgentDirectory,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[AgentDirectory, FrameProtocol], None],
    check: Callable[[AgentKeeper, _Agent, bool], None],
) -> None:

    async def scenario() -> None:
        agent = _Agent(place, lambda connection: answer(place, connection))
        monkeypatch.setattr(module, "AgentLauncher", lambda *_, **__: _Killer(agent))
        await agent.serve()
        keeper = AgentKeeper(place, AgentSettings(fence_seconds=1))
        keeping = asyncio.get_running_loop().create_task(keeper.run())
        await asyncio.wait_for(keeper.is_up.wait(), 30)
        retiring = asyncio.get_running_loop().create_task(keeper.retire())
        await asyncio.sleep(0)
        assert not keeper.is_up.is_set(), "nobody may build on it before it has answered"
        is_over = await asyncio.wait_for(retiring, 30)
        if is_over:
            await asyncio.wait_for(keeping, 30)
        check(keeper, agent, is_over)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        agent.close()

    asyncio.run(scenario())  # in real time: an agent is killed in a thread


def test_retired_agent_ends_and_none_is_started_after_it(
    place: AgentDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(place: AgentDirectory, connection: FrameProtocol) -> None:
        place.remove_socket_directory()
        connection.close()

    def check(keeper: AgentKeeper, agent: _Agent, is_over: bool) -> None:
        assert is_over
        assert not keeper.is_up.is_set()
        assert agent.connected == 1

    _retire(place, monkeypatch, end, check)


def test_agent_that_holds_tasks_stays_up_though_it_was_to_retire(
    place: AgentDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(keeper: AgentKeeper, agent: _Agent, is_over: bool) -> None:
        assert not is_over
        assert keeper.is_up.is_set()
        assert agent.connected == 1

    _retire(place, monkeypatch, lambda _, connection: connection.send(EndIfIdle()), check)


@pytest.mark.parametrize("dies", [True, False])
def test_agent_that_dies_or_is_killed_instead_of_retiring_has_a_successor_which_tidies_up(
    place: AgentDirectory, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    def answer(_: AgentDirectory, connection: FrameProtocol) -> None:
        if dies:
            connection.abort()

    def check(keeper: AgentKeeper, agent: _Agent, is_over: bool) -> None:
        assert not is_over
        assert keeper.is_up.is_set()
        assert agent.connected == 2

    _retire(place, monkeypatch, answer, check)

"""Two schedulers with the local engine and directories of their own, as on two machines, and one record of tasks."""

import asyncio
from pathlib import Path

import pytest

from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.messages import AgentJoined, AgentLost, EngineEvent
from tests.waiting import until

pytestmark = pytest.mark.slow
_SECONDS = 30


class Sink:
    """Keeps what an engine tells."""

    def __init__(self) -> None:
        self.joined: list[str] = []
        self.lost: list[str] = []

    def take(self, event: EngineEvent) -> None:
        if isinstance(event, AgentJoined):
            self.joined.append(event.inventory.agent.agent_id)
        elif isinstance(event, AgentLost):
            self.lost.append(event.agent_id)


async def start(engine: LocalEngine, epoch: int, known: frozenset[str]) -> Sink:
    sink = Sink()
    await engine.start(epoch, known, sink.take)
    return sink


def test_agent_of_another_directory_is_not_lost_before_it_has_ended_its_tasks_by_itself(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        settings = AgentSettings(orphan_seconds=3600)
        engines = [LocalEngine(tmp_path / name, settings) for name in ("first", "second")]
        try:
            (first,) = (await start(engines[0], 1, frozenset())).joined
            second = await start(engines[1], 2, frozenset({first}))
            assert second.joined != [first]
            engines[1].reconcile(frozenset({first}))
            await until(lambda: len(second.joined) == 2, "the agent joins again")
            assert second.lost == []
        finally:
            for engine in engines:
                await engine.stop()

    asyncio.run(scenario())


def test_agent_of_another_directory_is_lost_once_its_time_is_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = LocalEngine(tmp_path / "agent", stranger_seconds=0.2)
        try:
            sink = await start(engine, 1, frozenset({"elsewhere"}))
            await until(lambda: bool(sink.lost), "the agent elsewhere is lost")
            assert sink.lost == ["elsewhere"]
        finally:
            await engine.stop()

    asyncio.run(scenario())

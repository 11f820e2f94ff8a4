"""What the loop does with agents that the core lets go of: a real core over a fake cluster, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings, Now
from elasticjob_cloud.scheduling.commands import PublishApp
from elasticjob_cloud.service.loop import LeaseLost, SchedulingLoop
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.unit.scheduling.core_driver import NOON_MS, app
from tests.unit.virtual_loop import run_in_virtual_time

IDLE_SECONDS = 30.0
Commit = Callable[[Changes], Awaitable[bool]]


class _World:
    """Three machines, and the loop that leads."""

    def __init__(self, commit: Commit) -> None:
        self.cluster = FakeCluster()
        for name in ("m0", "m1", "m2"):
            self.cluster.add(name, cpus=4, memory_mb=1024)
        self.engine = FakeEngine(self.cluster)
        settings = CoreSettings(release_idle_ms=int(IDLE_SECONDS * 1000))
        self.core = Core(Snapshot(), settings, lambda: "id")
        self.loop = SchedulingLoop(self.core, self.engine, commit, lambda: True, self._read, Metrics())
        self.running: asyncio.Task[LeaseLost | None]

    async def start(self) -> None:
        self.running = asyncio.create_task(self.loop.run())
        await self.engine.start(1, frozenset(), self.loop.take)
        await self.loop.query(lambda _: None)

    def _read(self) -> Now:
        milliseconds = int(asyncio.get_running_loop().time() * 1000)
        return Now(NOON_MS + milliseconds, milliseconds)


async def _commit(_: Changes) -> bool:
    return True


def test_machine_that_drains_is_released_once_it_is_idle_and_never_used_again() -> None:
    async def scenario() -> None:
        world = _World(_commit)
        await world.start()
        world.cluster.drain("m1")
        await asyncio.sleep(1.2)
        assert sorted(world.cluster.machines) == ["m0", "m2"]
        assert len(world.core.state.agents) == 2
        world.engine.want_room([((1.0, 64.0),)])
        await asyncio.sleep(1.2)
        assert sorted(world.cluster.machines) == ["m0", "m2"]
        world.loop.stop()
        await world.running

    run_in_virtual_time(scenario())


def test_idle_agents_are_released_though_nothing_else_happens() -> None:
    async def scenario() -> None:
        world = _World(_commit)
        await world.start()
        await asyncio.sleep(IDLE_SECONDS - 0.1)
        assert world.cluster.released == {}
        await asyncio.sleep(1.2)
        assert sorted(world.cluster.released) == ["m0", "m1"]
        assert len(world.core.state.agents) == 1
        world.loop.stop()
        await world.running

    run_in_virtual_time(scenario())


def test_agent_that_joins_anew_while_its_release_is_committed_is_not_released() -> None:
    async def scenario() -> None:
        commits = 0

        async def commit(_: Changes) -> bool:
            nonlocal commits
            commits += 1
            if commits == 1:
                await asyncio.sleep(1)  # so that the release falls into a turn that has something to commit
            else:
                assert world.core.state.agents.keys() == {"m2-1"}
                world.cluster.resize("m1", cpus=2, memory_mb=1024)
            return True

        world = _World(commit)
        await world.start()
        await asyncio.sleep(IDLE_SECONDS - 0.5)
        first = asyncio.create_task(world.loop.submit(PublishApp(app("first"))))
        await asyncio.sleep(0.8)
        await world.loop.submit(PublishApp(app("second")))
        await first
        await asyncio.sleep(0)
        assert list(world.cluster.released) == ["m0"]
        await world.loop.query(lambda _: None)
        assert world.core.state.agents.keys() >= {"m1-1"}, "it is there, and the engine knows it"
        world.loop.stop()
        await world.running

    run_in_virtual_time(scenario())


def test_nothing_is_released_when_the_turn_is_not_committed() -> None:
    async def scenario() -> None:
        commits = 0

        async def commit(_: Changes) -> bool:
            nonlocal commits
            commits += 1
            if commits == 1:
                await asyncio.sleep(1)
                return True
            assert len(world.core.state.agents) == 1
            return False

        world = _World(commit)
        await world.start()
        await asyncio.sleep(IDLE_SECONDS - 0.5)
        answers = [asyncio.create_task(world.loop.submit(PublishApp(app("first"))))]
        await asyncio.sleep(0.8)
        answers.append(asyncio.create_task(world.loop.submit(PublishApp(app("second")))))
        assert await world.running == LeaseLost("Another scheduler has taken the lead.")
        await asyncio.gather(*answers, return_exceptions=True)
        assert commits == 2
        assert world.cluster.released == {}

    run_in_virtual_time(scenario())

"""What the core asks for when no agent has room, and when an engine is told of it."""

import asyncio
import itertools
from collections.abc import Callable
from typing import TypeVar

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.messages import AgentEvents, AgentJoined
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.scheduling.commands import DeregisterJob, PublishApp, RegisterJob, TriggerJob
from elasticjob_cloud.service.housekeeping.placement_watch import PlacementWatch
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.fakes.engine import FakeCluster, FakeEngine
from tests.unit.scheduling.core_driver import SECOND_MS, CoreDriver, app, job

T = TypeVar("T")


def _triggered(driver: CoreDriver, *names: str) -> CoreDriver:
    for name in names or ("job",):
        driver.ask(TriggerJob(name))
    return driver


def _cpus(driver: CoreDriver, limit: int = 200) -> list[float]:
    return [cpus for run in driver.core.unmet_room(limit) for cpus, _ in run]


def test_nothing_is_asked_for_while_all_has_room() -> None:
    driver = _triggered(CoreDriver(job(sharding_total_count=4)))

    assert driver.core.unmet_room(200) == []


def test_all_shards_of_a_run_that_does_not_fit_as_a_whole_are_asked_for() -> None:
    driver = _triggered(CoreDriver(job(sharding_total_count=5)))

    assert driver.core.unmet_room(200) == [((1.0, 100.0),) * 5]


def test_without_agents_the_executor_comes_once_with_the_first_shard_of_its_app() -> None:
    driver = CoreDriver(
        job("one", sharding_total_count=2, props={}), job("two", memory_mb=50.5, props={}), agents=0
    )
    _triggered(driver, "one", "two")

    assert driver.core.unmet_room(200) == [((2.0, 228.0), (1.0, 100.0)), ((1.0, 50.5),)]


def test_each_machine_of_the_largest_known_size_brings_an_executor_of_its_own() -> None:
    driver = _triggered(CoreDriver(job(sharding_total_count=7, props={})))

    # Four CPUs: the executor's and three shards.
    assert _cpus(driver) == [2, 1, 1, 2, 1, 1, 2]


def test_shard_that_fills_a_whole_machine_brings_its_executor_each_time() -> None:
    driver = _triggered(CoreDriver(job(sharding_total_count=2, cpu_count=4, props={})))

    assert driver.core.unmet_room(200) == [((5.0, 228.0), (5.0, 228.0))]


def test_each_app_has_an_executor_of_its_own() -> None:
    driver = CoreDriver(job("one", props={}), agents=0)
    driver.ask(PublishApp(app("other")), RegisterJob(job("two", app_name="other", props={})))
    _triggered(driver, "one", "two")

    assert _cpus(driver) == [2, 2]


def test_run_that_waits_for_its_jobs_earlier_run_is_not_asked_for() -> None:
    driver = _triggered(CoreDriver(job(cpu_count=3)), "job", "job")

    assert driver.tasks()
    assert driver.core.unmet_room(200) == []


def test_shards_to_start_again_come_first_then_the_oldest_fires() -> None:
    driver = CoreDriver(job("failing", cpu_count=2, failover=True), job("late", cpu_count=3))
    _triggered(driver, "failing")
    failed = driver.task("failing")
    driver.ask(RegisterJob(job("early", cpu_count=9)), TriggerJob("early"))
    driver.pass_time(10)
    driver.end(failed, TaskState.FAILED)
    driver.ask(RegisterJob(job("filler", cpu_count=4)), TriggerJob("filler"))
    driver.ask(TriggerJob("late"))
    assert _cpus(driver) == [9, 3], "the backoff is not over"
    driver.pass_time(1 * SECOND_MS)

    assert _cpus(driver) == [2, 9, 3]


def test_oldest_fire_comes_first_whenever_it_was_recorded() -> None:
    driver = CoreDriver(job("recorded-first", cpu_count=9), job("due-first", cpu_count=8))
    driver.ask(TriggerJob("recorded-first"))
    driver.set_clock(-5 * SECOND_MS)
    driver.ask(TriggerJob("due-first"))
    driver.pass_time(6 * SECOND_MS)

    assert _cpus(driver) == [8, 9]


def test_shard_of_a_run_that_was_stopped_is_not_asked_for() -> None:
    driver = _triggered(CoreDriver(job(cpu_count=2, failover=True)))
    driver.lose()
    assert _cpus(driver) == [2]

    driver.ask(DeregisterJob("job"))

    assert driver.core.unmet_room(200) == []


def test_what_is_asked_for_is_bounded() -> None:
    names = [f"job-{number}" for number in range(4)]
    driver = CoreDriver(*(job(name, sharding_total_count=3) for name in names), agents=0)
    _triggered(driver, *names)

    assert len(_cpus(driver)) == 12
    assert len(_cpus(driver, 10)) == 10
    assert len(_cpus(driver, 2)) == 2


def test_only_what_has_waited_for_a_while_is_asked_for() -> None:
    driver = _triggered(CoreDriver(job(), agents=0))

    assert driver.core.unmet_room(200, 2 * SECOND_MS) == []
    driver.pass_time(2 * SECOND_MS - 1)
    assert driver.core.unmet_room(200, 2 * SECOND_MS) == []
    driver.pass_time(1)
    assert driver.core.unmet_room(200, 2 * SECOND_MS) == [((1.0, 100.0),)]


def test_core_that_has_not_taken_over_asks_for_nothing() -> None:
    driver = CoreDriver()

    assert Core(driver.store.load(), driver.settings, str).unmet_room(200) == []


class _Watched:
    """A core whose commands go to fake machines, and the watch that asks for more of them."""

    def __init__(self, driver: CoreDriver) -> None:
        self.cluster = FakeCluster()
        self.engine = FakeEngine(self.cluster)
        self.leads = True
        self.driver = driver
        self._numbers = itertools.count()
        self.watch = PlacementWatch(self._query, Metrics(), self.engine.want_room)

    async def start(self) -> None:
        await self.engine.start(1, frozenset(), self._take)

    async def add_machine(self) -> None:
        self.cluster.add(f"machine-{next(self._numbers)}", cpus=4, memory_mb=8192)
        for _ in range(10):
            await asyncio.sleep(0)  # commands and statuses pass

    async def _query(self, read: Callable[[Core], T]) -> T:
        if not self.leads:
            raise UnavailableError("It does not lead.")
        return read(self.driver.core)

    def _take(self, event: object) -> None:
        assert isinstance(event, AgentJoined | AgentEvents)
        for agent_id, commands in self.driver.handle(event).commands.items():
            self.engine.send(agent_id, commands)


def test_engine_is_told_what_waits_until_its_new_machines_have_room_for_it() -> None:
    async def scenario() -> None:
        driver = CoreDriver(job(sharding_total_count=5, props={}, job_parameter="sleep 100"), agents=0)
        watched = _Watched(driver)
        await watched.start()
        await watched.watch.look()
        assert watched.cluster.wanted == [[]], "whatever an earlier leader asked for is settled"
        _triggered(driver)
        await watched.watch.look()
        assert watched.cluster.wanted == [[]]
        driver.pass_time(2 * SECOND_MS)
        await watched.watch.look()
        await watched.watch.look()
        assert watched.cluster.wanted[1:] == [[((2.0, 228.0), *[(1.0, 100.0)] * 4)]]
        await watched.add_machine()
        await watched.watch.look()
        assert [cpus for run in watched.cluster.wanted[-1] for cpus, _ in run] == [2, 1, 1, 2, 1]
        await watched.add_machine()
        await watched.watch.look()
        assert watched.cluster.wanted[-1] == []
        assert len(driver.tasks()) == 5
        await watched.engine.stop()

    asyncio.run(scenario())


def test_each_time_that_a_scheduler_comes_to_lead_it_says_anew_what_it_lacks() -> None:
    async def scenario() -> None:
        watched = _Watched(CoreDriver(job(), agents=0))
        _triggered(watched.driver).pass_time(2 * SECOND_MS)
        await watched.watch.look()
        watched.leads = False
        await watched.watch.look()
        watched.leads = True
        await watched.watch.look()
        assert watched.cluster.wanted == [[((1.0, 100.0),)]] * 2

    asyncio.run(scenario())

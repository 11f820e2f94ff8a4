"""The room of apps' executors as the core counts it: what an app's own process takes, once on each agent."""

import pytest

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import ExecutorStarted, ExecutorStopped
from elasticjob_cloud.scheduling import CoreSettings, PlacementPolicy
from elasticjob_cloud.scheduling.commands import TriggerJob, UpdateApp
from elasticjob_cloud.scheduling.placement.room import Room
from tests.unit.scheduling.core_driver import CoreDriver, job


def sdk_job(name: str = "job") -> JobConfiguration:
    """Make a job of one shard of 1 CPU that runs in the app's executor, which takes 1 CPU too."""
    return job(name, props={})


def free_cpus(driver: CoreDriver) -> float:
    """Give what the core believes to be free on the only agent."""
    return driver.core.state.agents["agent-0"].free.milli_cpus / 1_000


def with_idle_executor(driver: CoreDriver) -> CoreDriver:
    """Let the job have run once, so that its app's executor is there without tasks."""
    driver.ask(TriggerJob("job"))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    assert free_cpus(driver) == 3, "an idle executor keeps its room"
    return driver


def test_an_executor_that_starts_anew_has_room_for_what_its_app_asks_for_now() -> None:
    driver = with_idle_executor(CoreDriver(sdk_job()))
    driver.ask(UpdateApp("app", {"cpu_count": 2.5}))
    assert free_cpus(driver) == 3, "the one that runs was started with 1"

    driver.ask(TriggerJob("job"))
    driver.tell(ExecutorStopped("app"), ExecutorStarted("app"))

    assert free_cpus(driver) == 0.5
    driver.end(driver.task())
    driver.tell(ExecutorStopped("app"))
    assert free_cpus(driver) == 4


def test_an_executor_of_an_app_that_asks_for_less_keeps_its_room_until_it_starts_anew() -> None:
    driver = with_idle_executor(CoreDriver(sdk_job()))
    driver.ask(UpdateApp("app", {"cpu_count": 0.5}))
    driver.ask(TriggerJob("job"))
    assert free_cpus(driver) == 2

    driver.tell(ExecutorStopped("app"))

    assert free_cpus(driver) == 2.5


def test_room_of_the_next_executor_is_kept_for_tasks_that_wait_for_it() -> None:
    driver = with_idle_executor(CoreDriver(sdk_job(), job("script", cpu_count=2.0)))
    driver.ask(UpdateApp("app", {"cpu_count": 2.5}))
    driver.ask(TriggerJob("job"))

    driver.tell(ExecutorStopped("app"))

    driver.ask(TriggerJob("script"))
    assert driver.tasks("script") == [], "2.5 CPUs for the next executor and 1 for the task leave 0.5"


@pytest.mark.parametrize("policy", PlacementPolicy)
def test_shard_waits_where_the_next_executor_would_find_no_room(policy: PlacementPolicy) -> None:
    jobs = sdk_job(), job("script", cpu_count=1.75)
    driver = with_idle_executor(CoreDriver(*jobs, settings=CoreSettings(placement=policy)))
    driver.ask(UpdateApp("app", {"cpu_count": 1.5}))
    driver.ask(TriggerJob("script"))

    driver.ask(TriggerJob("job"))

    assert driver.tasks() == [], "0.5 more for the executor and 1 for the task are more than 1.25"
    driver.end(driver.task("script"))
    assert driver.task().item == 0
    assert free_cpus(driver) == 1.5


def test_agent_that_comes_again_without_its_executor_has_the_room_of_the_next_one() -> None:
    driver = with_idle_executor(CoreDriver(sdk_job()))
    driver.ask(UpdateApp("app", {"cpu_count": 2.5}))
    driver.ask(TriggerJob("job"))

    driver.join()

    assert free_cpus(driver) == 0.5
    driver.tell(ExecutorStarted("app"))
    assert driver.core.state.agents["agent-0"].used() == Room.of(3.5, 228)


def test_agent_that_comes_again_with_its_executor_has_the_room_that_it_was_started_with() -> None:
    driver = with_idle_executor(CoreDriver(sdk_job()))
    driver.ask(UpdateApp("app", {"cpu_count": 2.5}))

    driver.join(executors=("app",))

    assert free_cpus(driver) == 3

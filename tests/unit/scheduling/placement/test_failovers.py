"""Shards that wait for room to be started again: one of each run is tried, and stands for the others of its run."""

from unittest.mock import patch

from elasticjob_cloud.scheduling.commands import SetJobDisabled, TriggerJob
from elasticjob_cloud.scheduling.state.queues import RetryQueue
from tests.unit.scheduling.core_driver import CoreDriver, job


def with_waiting_shards() -> CoreDriver:
    """Let four shards of a run be lost, and two of another, while a task holds all the room that is left."""
    shards = {"failover": True, "cpu_count": 0.5}
    driver = CoreDriver(
        job("job", sharding_total_count=4, **shards),
        job("other", sharding_total_count=2, **shards),
        job("filler", cpu_count=4.0),
        agents=2,
    )
    driver.lose("agent-1")
    driver.ask(TriggerJob("filler"))
    driver.join("agent-2")
    driver.ask(TriggerJob("job"), TriggerJob("other"))
    driver.lose("agent-2")
    assert len(driver.core.state.failovers) == 6
    assert driver.launched() == []
    return driver


def test_11_a_turn_that_frees_too_little_room_tries_one_shard_of_each_run() -> None:
    driver = with_waiting_shards()
    driver.core._state.free_room()

    with patch.object(RetryQueue, "set_aside", autospec=True, side_effect=RetryQueue.set_aside) as set_aside:
        driver.handle()

    assert set_aside.call_count == 2
    driver.end(driver.task("filler"))
    assert len(driver.launched()) == 6, "all are there to be started"


def test_6_none_of_a_run_that_was_stopped_waits_for_room() -> None:
    driver = with_waiting_shards()
    driver.ask(SetJobDisabled("job", disabled=True), SetJobDisabled("other", disabled=True))

    driver.end(driver.task("filler"))

    assert driver.launched() == []
    assert list(driver.core.state.retries.without_room()) == []

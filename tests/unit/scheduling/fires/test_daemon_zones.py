"""A daemon without a zone of its own follows the scheduler's, also when that changes."""

from dataclasses import replace

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.messages import Launch
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import UpdateJob
from tests.unit.scheduling.core_driver import EVERY_MINUTE, KILLED, CoreDriver, daemon

SHANGHAI = "Asia/Shanghai"


def restart_in(driver: CoreDriver, zone: str) -> TaskRecord:
    """Let a scheduler of another zone take over, and the agent join it; give the task that ran."""
    task = driver.task()
    driver.tell(driver.status(task, TaskState.RUNNING))
    driver.settings = replace(driver.settings, time_zone=zone)
    driver.restart()
    driver.join("agent-0", driver.status(task, TaskState.RUNNING))
    return task


def test_daemon_follows_the_zone_of_a_new_leader() -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE))
    assert [launch.job.time_zone for launch in driver.sent(Launch)] == ["UTC"]

    old = restart_in(driver, SHANGHAI)
    assert driver.killed() == [old.task_id]
    driver.end(driver.task(), KILLED)

    assert [launch.job.time_zone for launch in driver.sent(Launch)] == [SHANGHAI]
    reasons = [fire.reason for fire in driver.fires(FireState.COMPLETED)]
    assert reasons == ["Replaced: the scheduler's time zone is Asia/Shanghai, it was UTC."]
    again = restart_in(driver, SHANGHAI)
    assert driver.killed() == []
    assert driver.task().task_id == again.task_id


def test_daemon_with_a_zone_or_without_a_cron_stays() -> None:
    for configuration in (daemon(cron=EVERY_MINUTE, time_zone="UTC"), daemon()):
        driver = CoreDriver(configuration)
        old = restart_in(driver, SHANGHAI)
        assert driver.killed() == []
        assert driver.task().task_id == old.task_id


def test_shard_that_is_started_again_keeps_the_zone_of_its_run() -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE))
    driver.end(driver.task(), TaskState.FAILED)
    driver.pass_time(10_000)
    assert [launch.job.time_zone for launch in driver.sent(Launch)] == ["UTC"]


def test_daemon_that_is_being_replaced_is_not_replaced_twice() -> None:
    driver = CoreDriver(daemon(cron=EVERY_MINUTE))
    old = driver.task()
    driver.ask(UpdateJob(daemon(cron=EVERY_MINUTE, description="new")))

    driver.settings = replace(driver.settings, time_zone=SHANGHAI)
    driver.restart()
    driver.join("agent-0", driver.status(old, TaskState.RUNNING))
    driver.end(old, KILLED)

    assert [launch.job.time_zone for launch in driver.sent(Launch)] == [SHANGHAI]
    assert len(driver.tasks()) == 1

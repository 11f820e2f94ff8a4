"""Where a shard is not started again (promise 6): at the agent that failed, nor at the one that took its place."""

from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import TriggerJob
from tests.unit.scheduling.core_driver import SECOND_MS, CoreDriver, job


def test_6_the_heir_of_an_agent_that_died_is_taken_last() -> None:
    driver = CoreDriver(job(failover=True))
    driver.ask(TriggerJob("job"))
    assert driver.task().agent_id == "agent-0"
    driver.join("busy", cpus=2)
    driver.join("heir", cpus=64, predecessors=("agent-0", "older"))

    driver.lose("agent-0")

    assert driver.task().agent_id == "busy", "although the heir has more room"


def test_6_an_heir_that_dies_is_followed_to_its_own_heir() -> None:
    driver = CoreDriver(job(failover=True))
    driver.ask(TriggerJob("job"))
    driver.end(driver.task(), TaskState.FAILED)
    driver.lose("agent-0")
    driver.join("first", predecessors=("agent-0",))
    driver.lose("first")
    driver.join("second", cpus=64, predecessors=("first", "agent-0"))
    driver.join("other")

    driver.pass_time(SECOND_MS)

    assert driver.task().agent_id == "other"


def test_6_the_heir_is_taken_when_there_is_no_other() -> None:
    driver = CoreDriver(job(failover=True))
    driver.ask(TriggerJob("job"))

    driver.join("heir", predecessors=("agent-0",))
    driver.lose("agent-0")

    assert driver.task().agent_id == "heir"

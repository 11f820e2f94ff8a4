"""Promises 4 and 11: what room runs take, and whose turn it is when there is some."""

from elasticjob_cloud.model.messages import (
    ExecutorStarted,
    ExecutorStopped,
    StopExecutor,
    TaskStatus,
)
from elasticjob_cloud.scheduling.commands import (
    PublishApp,
    RegisterJob,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from tests.unit.scheduling.core_driver import (
    ERROR,
    KILLED,
    LOST,
    SECOND_MS,
    CoreDriver,
    app,
    job,
    triggered,
)


def test_4_a_run_without_room_for_all_shards_holds_none() -> None:
    driver = triggered(job("large", sharding_total_count=5), job("small"))

    assert not driver.tasks("large")
    assert driver.tasks("small")
    assert "could hold 4 of its shards" in driver.core.explain_waiting("large")


def test_4_a_waiting_run_starts_when_an_agent_brings_the_room() -> None:
    driver = triggered(job(sharding_total_count=5))

    driver.join("agent-1")

    assert [task.item for task in driver.tasks()] == [0, 1, 2, 3, 4]
    assert {task.agent_id for task in driver.tasks()} == {"agent-0", "agent-1"}


def test_4_a_waiting_run_starts_when_room_is_freed() -> None:
    driver = triggered(job("first", cpu_count=4), job("second", cpu_count=4))
    assert driver.core.explain_waiting("second") == "Waits until there is room for all its shards."

    driver.end(driver.task("first"))

    assert driver.tasks("second")


def test_4_without_agents_a_waiting_run_says_so() -> None:
    driver = triggered(job(), agents=0)

    assert driver.core.explain_waiting("job") == "No agent is there to run it."


def test_4_a_job_that_asks_for_too_much_waits_no_longer_once_it_is_updated() -> None:
    driver = triggered(job(cpu_count=99))

    driver.ask(UpdateJob(job(cpu_count=1)))

    assert driver.tasks()


def test_4_a_job_that_is_updated_to_ask_for_too_much_waits() -> None:
    driver = triggered(job("first", cpu_count=4), job(cpu_count=1))
    driver.ask(UpdateJob(job(cpu_count=99)))

    driver.end(driver.task("first"))

    assert not driver.tasks()
    assert "Needs 1 x 99 CPU" in driver.core.explain_waiting("job")


def test_4_an_update_between_fire_and_start_is_what_the_run_asks_for() -> None:
    driver = triggered(job("first", cpu_count=4), job(cpu_count=2))
    driver.ask(UpdateJob(job(cpu_count=3)))

    driver.end(driver.task("first"))

    assert [task.cpu_count for task in driver.tasks()] == [3]


def test_4_an_app_that_asks_for_less_lets_its_jobs_start() -> None:
    driver = CoreDriver()
    driver.ask(PublishApp(app("big", cpu_count=9.0)), RegisterJob(job(app_name="big", props={})))
    driver.ask(TriggerJob("job"))
    assert "and 9 CPU and 128 MB for the app's executor" in driver.core.explain_waiting("job")

    driver.ask(UpdateApp("big", {"cpu_count": 1.0}))

    assert driver.tasks()


def test_4_an_executor_holds_its_room_once_on_each_agent() -> None:
    driver = triggered(job(sharding_total_count=2, props={}))
    agent = driver.core.state.agents["agent-0"]
    assert agent.used().milli_cpus == 3_000

    driver.tell(ExecutorStarted("app"))
    for task in driver.tasks():
        driver.end(task)
    assert agent.used().milli_cpus == 1_000

    driver.tell(ExecutorStopped("app"))
    assert agent.used().milli_cpus == 0


def test_4_an_executor_that_never_came_up_gives_its_room_back_with_its_last_task() -> None:
    driver = triggered(job(props={}))

    driver.end(driver.task(), ERROR)

    assert driver.core.state.agents["agent-0"].used() == (0, 0)


def test_4_an_executor_that_restarts_under_its_tasks_keeps_its_room() -> None:
    driver = triggered(job(props={}))
    driver.tell(ExecutorStarted("app"), ExecutorStopped("app"))
    assert driver.core.state.agents["agent-0"].used().milli_cpus == 2_000

    driver.tell(ExecutorStarted("app"), ExecutorStopped("never-heard-of"))
    assert driver.core.state.agents["agent-0"].used().milli_cpus == 2_000


def test_4_an_idle_executor_is_stopped_once_for_a_run_that_needs_its_room() -> None:
    driver = triggered(job(props={}))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    driver.ask(PublishApp(app("other")), RegisterJob(job("large", app_name="other", cpu_count=4)))

    driver.ask(TriggerJob("large"))
    assert driver.sent(StopExecutor) == [StopExecutor("app")]
    driver.join("agent-tiny", cpus=0.1)
    assert not driver.sent(StopExecutor)

    driver.tell(ExecutorStopped("app"))
    assert driver.tasks("large")


def test_4_an_executor_that_refused_to_stop_is_told_again() -> None:
    driver = triggered(job(props={}))
    driver.tell(ExecutorStarted("app"))
    driver.end(driver.task())
    driver.ask(RegisterJob(job("large", cpu_count=4)))
    driver.ask(TriggerJob("large"))

    driver.tell(TaskStatus("job@-@0@-@READY@-@agent-0@-@unknown", KILLED, driver.wall_ms))

    assert driver.sent(StopExecutor) == [StopExecutor("app")]


def test_11_failovers_come_before_ready_jobs() -> None:
    driver = triggered(job("first", cpu_count=4, failover=True), job("second", cpu_count=4))

    driver.end(driver.task("first"), LOST)

    assert driver.tasks("first")
    assert not driver.tasks("second")


def test_11_one_that_finds_no_room_holds_up_only_those_that_ask_for_as_much() -> None:
    driver = triggered(job("first", cpu_count=3))
    for name, cpus in (("two", 2), ("three", 3), ("one", 1)):
        driver.ask(RegisterJob(job(name, cpu_count=cpus)))
        driver.ask(TriggerJob(name))

    assert [bool(driver.tasks(name)) for name in ("two", "three", "one")] == [False, False, True]
    driver.end(driver.task("one"))
    assert not driver.launched()
    driver.end(driver.task("first"))
    assert [bool(driver.tasks(name)) for name in ("two", "three")] == [True, False]


def test_11_the_oldest_fire_starts_first_whatever_it_asks_for() -> None:
    driver = triggered(job("first", cpu_count=4))
    for name, cpus in (("old", 2.5), ("new", 2.0)):
        driver.ask(RegisterJob(job(name, cpu_count=cpus)))
        driver.pass_time(SECOND_MS)
        driver.ask(TriggerJob(name))

    driver.end(driver.task("first"))

    assert driver.tasks("old")
    assert not driver.tasks("new")

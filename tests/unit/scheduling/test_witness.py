"""The core tells the book of alerts what happens, and commits what it makes of it (docs/alerts.md)."""

import msgspec
import pytest

from elasticjob_cloud.model.alerting.alert import Alert, AlertState, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition, Threshold
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentInfo,
    AgentJoined,
    AgentLost,
    DisksMeasured,
    Execution,
    Inventory,
    TaskStatus,
)
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.measurements import CommitTook, DiskMeasured
from tests.unit.scheduling.core_driver import (
    FAILED,
    FINISHED,
    KILLED,
    LOST,
    MINUTE_MS,
    SECOND_MS,
    CoreDriver,
    daemon,
    job,
    triggered,
)

HOOK = commands.PutAlertRule("global", AlertRule(channels=("hook",), group_seconds=0))


def alerts_of(driver: CoreDriver, condition: Condition) -> list[Alert]:
    return [alert for alert in driver.store.alerts.values() if alert.condition is condition]


def alert_of(driver: CoreDriver, condition: Condition) -> Alert:
    (alert,) = alerts_of(driver, condition)
    return alert


def fail(driver: CoreDriver, summary: str = "exit code 3: FATAL: quota exceeded") -> None:
    task = driver.task()
    driver.tell(
        TaskStatus(task.task_id, FAILED, driver.wall_ms, f"{summary}\ndetails"), agent_id=task.agent_id
    )


def test_failed_run_fires_with_its_summary_in_the_same_commit() -> None:
    driver = triggered(job())
    driver.ask(HOOK)

    fail(driver)

    alert = alert_of(driver, Condition.RUN_FAILED)
    assert alert.state is AlertState.FIRING
    assert (alert.job_name, alert.app_name, alert.items) == ("job", "app", (0,))
    assert (alert.where, alert.summary) == ("host-agent-0", "exit code 3: FATAL: quota exceeded")
    assert [message.kind for message in driver.store.alert_messages] == [MessageKind.FIRE]


def test_execution_that_raised_fires_although_its_task_finished() -> None:
    driver = triggered(job())
    execution = Execution(driver.wall_ms, driver.wall_ms, success=False, failure_cause="ValueError")
    driver.tell(TaskStatus(driver.task().task_id, FINISHED, driver.wall_ms, execution=execution))

    assert alert_of(driver, Condition.RUN_FAILED).state is AlertState.FIRING


def test_success_after_a_restart_of_the_scheduler_is_told_once() -> None:
    driver = triggered(job())
    driver.ask(HOOK)
    fail(driver)
    driver.restart(SECOND_MS)
    driver.join()
    driver.ask(commands.TriggerJob("job"))
    driver.end(driver.task())
    driver.restart(SECOND_MS)
    driver.join()

    assert alert_of(driver, Condition.RUN_FAILED).state is AlertState.RESOLVED
    kinds = [message.kind for message in driver.store.alert_messages]
    assert kinds == [MessageKind.FIRE, MessageKind.RESOLVE]


@pytest.mark.parametrize("items, is_well", [((0,), False), ((0, 1), True), ((0, 1, 2), True), ((), True)])
def test_job_is_well_again_once_all_shards_that_failed_were_run_again(
    items: tuple[int, ...], is_well: bool
) -> None:
    driver = triggered(job(sharding_total_count=3))
    run_id = driver.tasks()[0].fire_id
    for task, state in zip(driver.tasks(), (FAILED, FAILED, FINISHED), strict=True):
        driver.end(task, state)
    assert alert_of(driver, Condition.RUN_FAILED).items == (0, 1)

    again = commands.RerunShards("job", run_id, items) if items else commands.TriggerJob("job")
    driver.ask(again)
    for task in driver.tasks():
        driver.end(task)

    assert alert_of(driver, Condition.RUN_FAILED).is_open is not is_well


def test_killed_run_raises_no_alert() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.ask(commands.KillTask(task.task_id))
    driver.end(task, KILLED)

    assert not driver.store.alerts


def test_run_that_waits_is_late_until_it_starts_and_says_why() -> None:
    driver = CoreDriver(job(cpu_count=4.0), job("other", cpu_count=4.0))
    driver.ask(commands.TriggerJob("other"))
    driver.ask(commands.TriggerJob("job"))
    assert driver.core.next_due_ms() is not None

    driver.pass_time(MINUTE_MS - 1)
    assert not alerts_of(driver, Condition.LATE)
    driver.pass_time(1)
    alert = alert_of(driver, Condition.LATE)
    assert alert.summary == "Waits until there is room for all its shards."
    driver.end(driver.task("other"))
    assert alert_of(driver, Condition.LATE).resolution is Resolution.RECOVERED


def test_run_that_goes_on_is_stuck_by_a_rule_that_came_later() -> None:
    driver = triggered(job())
    rule = AlertRule(conditions={Condition.STUCK: Threshold(enabled=True, seconds=10)})
    driver.ask(commands.PutAlertRule("job:job", rule))

    driver.pass_time(10 * SECOND_MS)

    assert alert_of(driver, Condition.STUCK).where == "host-agent-0"
    driver.end(driver.task())
    assert alert_of(driver, Condition.STUCK).state is AlertState.RESOLVED


def test_daemon_runs_all_the_time_and_is_never_stuck() -> None:
    driver = CoreDriver(daemon())
    rule = AlertRule(conditions={Condition.STUCK: Threshold(enabled=True, seconds=10)})
    driver.ask(commands.PutAlertRule("job:job", rule))

    driver.pass_time(MINUTE_MS)
    driver.restart(MINUTE_MS)
    driver.join("agent-0", driver.status(driver.task(), TaskState.RUNNING))
    driver.pass_time(MINUTE_MS)

    assert not alerts_of(driver, Condition.STUCK)


def test_run_that_an_earlier_version_recorded_without_its_app_is_told_with_the_jobs() -> None:
    driver = triggered(job())
    for fire_id, fire in driver.store.fires.items():
        driver.store.fires[fire_id] = msgspec.structs.replace(fire, app_name="")
    driver.restart(SECOND_MS)
    driver.join("agent-0", driver.status(driver.task(), TaskState.RUNNING))

    fail(driver)

    assert alert_of(driver, Condition.RUN_FAILED).app_name == "app"


def test_deregistration_ends_a_jobs_alerts_and_takes_its_rule_away() -> None:
    driver = triggered(job())
    driver.ask(commands.PutAlertRule("job:job", AlertRule(channels=("hook",))))
    fail(driver)

    driver.ask(commands.DeregisterJob("job"), commands.RegisterJob(job()))

    assert alert_of(driver, Condition.RUN_FAILED).resolution is Resolution.REMOVED
    assert not driver.store.alert_rules


def test_run_of_a_job_that_is_gone_raises_no_alert() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.ask(commands.DeregisterJob("job"))
    driver.end(task, FAILED)

    assert not driver.store.alerts


def test_job_that_no_agent_could_hold_is_unplaceable_until_one_can() -> None:
    driver = triggered(job(cpu_count=50.0))
    for _ in range(5):
        driver.pass_time(10 * SECOND_MS)
    assert "could hold 0 of its shards" in alert_of(driver, Condition.UNPLACEABLE).summary

    driver.join("large", cpus=64)
    driver.pass_time(10 * SECOND_MS)

    assert alert_of(driver, Condition.UNPLACEABLE).state is AlertState.RESOLVED


def test_daemon_that_is_started_again_and_again_flaps() -> None:
    driver = CoreDriver(daemon())
    for _ in range(5):
        fail(driver, "exit code 1")
        driver.pass_time(MINUTE_MS)

    alert = alert_of(driver, Condition.FLAPPING)
    assert (alert.value, alert.summary, alert.where) == (5, "exit code 1", "host-agent-0")


def test_executions_of_a_daemon_count_like_runs() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    for success in (False, True):
        execution = Execution(driver.wall_ms, driver.wall_ms, success=success, summary="E: x")
        state = task.state.RUNNING
        driver.tell(TaskStatus(task.task_id, state, driver.wall_ms, "COMPLETE", execution))

    alert = alert_of(driver, Condition.RUN_FAILED)
    assert (alert.summary, alert.state) == ("E: x", AlertState.RESOLVED)


@pytest.mark.parametrize("state", [FAILED, TaskState.ERROR])
def test_daemon_that_fails_before_it_executes_anything_is_a_failed_execution(state: TaskState) -> None:
    driver = CoreDriver(daemon())
    driver.tell(driver.status(driver.task(), state, "The app cannot be downloaded: 404\ndetails"))

    (execution,) = driver.store.executions
    assert (execution.is_success, execution.summary) == (False, "The app cannot be downloaded: 404")
    assert driver.last.executions == {ShardResult.FAILED: 1}
    alert = alert_of(driver, Condition.RUN_FAILED)
    assert (alert.summary, alert.where) == ("The app cannot be downloaded: 404", "host-agent-0")


@pytest.mark.parametrize("begun, failures", [(None, 0), ("", 1), ("BEGIN", 1), ("COMPLETE", 0)])
def test_daemon_that_is_lost_has_failed_if_it_was_executing(begun: str | None, failures: int) -> None:
    driver = CoreDriver(daemon())
    if begun is not None:
        driver.tell(driver.status(driver.task(), TaskState.RUNNING, begun))

    driver.lose()

    assert [it.is_success for it in driver.store.executions] == [False] * failures
    assert len(alerts_of(driver, Condition.RUN_FAILED)) == failures


def test_daemon_that_was_never_started_by_its_agent_has_not_failed() -> None:
    driver = CoreDriver(daemon())
    driver.end(driver.task(), TaskState.DROPPED)

    assert not driver.store.executions


def test_task_that_says_it_was_killed_and_nobody_asked_for_that_has_failed() -> None:
    driver = triggered(job())
    driver.tell(driver.status(driver.task(), KILLED, "The task was killed."))
    alert = alert_of(driver, Condition.RUN_FAILED)
    assert (alert.items, alert.where, alert.summary) == ((0,), "host-agent-0", "The task was killed.")

    driver = CoreDriver(daemon())
    execution = Execution(driver.wall_ms, driver.wall_ms, success=False, summary="The task was killed.")
    driver.tell(TaskStatus(driver.task().task_id, KILLED, driver.wall_ms, "", execution))
    assert alert_of(driver, Condition.RUN_FAILED).summary == "The task was killed."


def test_execution_that_fails_as_its_daemon_is_ended_raises_no_alert() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    driver.ask(commands.SetJobDisabled("job", disabled=True))
    execution = Execution(driver.wall_ms, driver.wall_ms, success=False, summary="E: x")
    driver.tell(TaskStatus(task.task_id, TaskState.RUNNING, driver.wall_ms, "COMPLETE", execution))

    assert not alerts_of(driver, Condition.RUN_FAILED)


def test_agent_that_is_lost_is_told_until_its_host_has_one_again() -> None:
    driver = triggered(job())
    driver.lose()
    assert alert_of(driver, Condition.AGENT_LOST).where == "host-agent-0"
    assert alert_of(driver, Condition.RUN_FAILED).where == "host-agent-0"

    driver.join()

    assert alert_of(driver, Condition.AGENT_LOST).state is AlertState.RESOLVED


def test_agent_that_goes_as_it_drains_is_not_lost() -> None:
    driver = triggered(job(), agents=2)
    agent_id = driver.task().agent_id
    driver.handle(AgentDraining(agent_id, "the machine is to be stopped"))
    assert agent_id not in driver.last.released, "it still has a task"

    driver.lose(agent_id)

    assert not alerts_of(driver, Condition.AGENT_LOST)
    assert alert_of(driver, Condition.RUN_FAILED).where == f"host-{agent_id}"


def test_host_of_an_agent_that_went_and_came_in_one_turn_is_known() -> None:
    driver = CoreDriver(job())
    info = AgentInfo("agent-0", "host-agent-0", "127.0.0.1", 4, 8_192)
    driver.handle(AgentLost("agent-0", "its connection broke"), AgentJoined(Inventory(info, ())))
    assert alert_of(driver, Condition.AGENT_LOST).state is AlertState.RESOLVED
    driver.ask(commands.TriggerJob("job"))

    fail(driver)

    assert alert_of(driver, Condition.RUN_FAILED).where == "host-agent-0"


def test_agent_whose_successor_joins_before_it_is_known_to_be_lost_is_told_and_over() -> None:
    driver = triggered(job())
    info = AgentInfo("agent-1", "host-agent-0", "127.0.0.1", 4, 8_192)
    driver.handle(AgentJoined(Inventory(info, predecessors=("agent-0",))))

    driver.lose()

    alert = alert_of(driver, Condition.AGENT_LOST)
    assert (alert.where, alert.state) == ("host-agent-0", AlertState.RESOLVED)


def test_agent_that_is_lost_while_nobody_leads_is_told_with_what_it_ran() -> None:
    driver = triggered(job(), agents=0)
    driver.join("far-away-1234")
    driver.restart(MINUTE_MS)
    assert not alerts_of(driver, Condition.AGENT_LOST), "it may come back yet"

    driver.lose("far-away-1234")

    assert alert_of(driver, Condition.AGENT_LOST).where == "far-away"
    info = AgentInfo("far-away-5678", "its.name.on.ray", "127.0.0.1", 4, 8_192)
    driver.handle(AgentJoined(Inventory(info)))
    assert alert_of(driver, Condition.AGENT_LOST).state is AlertState.RESOLVED


def test_agent_that_ended_in_good_order_while_nobody_led_is_not_lost() -> None:
    driver = triggered(job())
    task = driver.task()
    driver.restart(MINUTE_MS)
    # Its successor tells how all that it ran has ended.
    driver.join("agent-1", driver.status(task, FINISHED), predecessors=("agent-0",))

    driver.lose()

    assert not alerts_of(driver, Condition.AGENT_LOST)


def test_disks_of_agents_are_told_until_they_have_room_or_the_agent_is_gone() -> None:
    driver = CoreDriver(agents=2)
    for number in range(2):
        full = (Disk("/", 50, 100), Disk("/data", 1, 100))
        driver.handle(DisksMeasured(f"agent-{number}", full))
    driver.handle(DisksMeasured("agent-nobody-met", (Disk("/", 1, 100),)))
    subjects = [alert.subject for alert in alerts_of(driver, Condition.DISK_LOW)]
    assert subjects == ["host-agent-0:/data", "host-agent-1:/data"]
    assert driver.core.state.agents["agent-0"].info.fullest_disk == Disk("/data", 1, 100)

    driver.handle(DisksMeasured("agent-0", (Disk("/", 50, 100), Disk("/data", 50, 100))))
    driver.lose("agent-1")

    ends = {alert.where: alert.resolution for alert in alerts_of(driver, Condition.DISK_LOW)}
    assert ends == {"host-agent-0": Resolution.RECOVERED, "host-agent-1": Resolution.EXPIRED}


def test_disk_of_an_agent_that_went_while_nobody_led_is_over_after_a_while() -> None:
    driver = CoreDriver()
    full = AgentInfo("agent-0", "host-agent-0", "127.0.0.1", 4, 8_192, disks=(Disk("/", 1, 100),))
    driver.handle(AgentJoined(Inventory(full)))
    assert alert_of(driver, Condition.DISK_LOW).state is AlertState.FIRING
    driver.restart(MINUTE_MS)
    driver.join("agent-1")

    driver.pass_time(10 * MINUTE_MS)

    assert alert_of(driver, Condition.DISK_LOW).resolution is Resolution.EXPIRED


def test_no_agent_for_long_is_told() -> None:
    driver = CoreDriver(agents=0)
    driver.pass_time(30 * SECOND_MS)
    assert alert_of(driver, Condition.NO_AGENT).state is AlertState.FIRING

    driver.join()

    assert alert_of(driver, Condition.NO_AGENT).state is AlertState.RESOLVED


def test_clock_that_jumps_slow_commits_and_full_disks_are_told() -> None:
    driver = CoreDriver()
    driver.set_clock(5 * MINUTE_MS)
    driver.handle(CommitTook(999), CommitTook(1_500), DiskMeasured("host", Disk("/data", 3.2, 100)))

    assert alert_of(driver, Condition.CLOCK_JUMP).value == 300
    assert alert_of(driver, Condition.DATABASE_SLOW).value == 1.5
    assert alert_of(driver, Condition.DISK_LOW).where == "host"
    assert driver.core.slow_commit_ms == 1_000


def test_fires_that_are_dropped_are_told() -> None:
    driver = CoreDriver(job(cron="0 * * * * ?"))
    driver.restart(10 * MINUTE_MS)

    assert alert_of(driver, Condition.DROPPED).count == 10


def test_shard_that_failed_before_it_succeeded_is_not_among_the_failed() -> None:
    driver = triggered(job(sharding_total_count=2, failover=True))
    first, second = driver.tasks()
    driver.end(first, LOST)
    driver.pass_time(SECOND_MS)
    again = next(task for task in driver.tasks() if task.item == 0)
    driver.end(again)
    driver.lose()
    driver.join("agent-1")
    for _ in range(3):
        driver.pass_time(MINUTE_MS)
        for task in driver.tasks():
            driver.end(task, FAILED)

    assert alert_of(driver, Condition.RUN_FAILED).items == (second.item,)


@pytest.mark.parametrize(
    "command",
    [
        commands.PutAlertRule("job:none", AlertRule()),
        commands.PutAlertRule("app:none", None),
        commands.DropSilence("none"),
        commands.AcknowledgeAlert("none", "root"),
    ],
)
def test_what_is_not_there_cannot_be_changed(command: commands.ApiCommand) -> None:
    with pytest.raises(NotFoundError):
        CoreDriver().ask(command)


def test_silence_holds_messages_back_until_it_is_dropped() -> None:
    driver = triggered(job())
    end_ms = driver.wall_ms + 10 * MINUTE_MS
    silence = Silence(silence_id="quiet", start_ms=driver.wall_ms, end_ms=end_ms, job_name="job")
    driver.ask(HOOK, commands.PutSilence(silence))
    fail(driver)
    assert not driver.store.alert_messages

    driver.ask(commands.DropSilence("quiet"))

    assert len(driver.store.alert_messages) == 1
    assert not driver.store.silences


def test_rules_come_and_go_with_jobs_and_apps() -> None:
    driver = CoreDriver()
    rule = AlertRule(channels=("hook",))
    driver.ask(commands.RegisterJob(job(), alerts=rule), commands.UpdateApp("app", {}, alerts=rule))
    assert set(driver.store.alert_rules) == {"job:job", "app:app"}

    driver.ask(commands.UpdateJob(job(), alerts=AlertRule()))
    assert set(driver.store.alert_rules) == {"app:app"}

    driver.ask(commands.DeleteApp("app"))
    assert not driver.store.alert_rules


def test_acknowledged_alert_says_by_whom() -> None:
    driver = triggered(job())
    fail(driver)

    driver.ask(commands.AcknowledgeAlert(alert_of(driver, Condition.RUN_FAILED).alert_id, "root"))

    assert alert_of(driver, Condition.RUN_FAILED).acknowledged_by == "root"

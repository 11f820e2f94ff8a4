"""Each condition of the table: when it fires, what it says, and when it is over."""

import pytest

from elasticjob_cloud.model.alerting.alert import AlertState, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import RunOutcome, RunWaits
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE
from elasticjob_cloud.model.disks import Disk
from tests.unit.scheduling.alerts.alert_driver import HOOK, START_MS, AlertDriver


@pytest.fixture
def driver() -> AlertDriver:
    driver = AlertDriver()
    driver.job("a")
    return driver


def with_conditions(**conditions: object) -> dict[str, object]:
    return {**HOOK, "conditions": conditions}


def test_failed_run_fires_at_once_with_its_reason(driver: AlertDriver) -> None:
    run_id = driver.fail("a", "KeyError: 'x'")
    driver.turn()
    (alert,) = driver.open(Condition.RUN_FAILED)
    assert (alert.job_name, alert.app_name, alert.where, alert.items) == ("a", "app", "host-1", (0,))
    assert (alert.run_id, alert.summary, alert.count, alert.since_ms) == (
        run_id,
        "KeyError: 'x'",
        1,
        START_MS,
    )
    (message,) = driver.told()
    assert (message.kind, message.channels, message.alerts[0].alert_id) == (
        MessageKind.FIRE,
        ("hook",),
        alert.alert_id,
    )


def test_further_failures_are_counted_and_not_told_again(driver: AlertDriver) -> None:
    for _ in range(3):
        driver.fail("a")
        driver.go_on(60)
    (alert,) = driver.alerts(Condition.RUN_FAILED)
    assert alert.count == 3
    assert len(driver.told()) == 1


def test_first_success_resolves_it_and_is_told_once(driver: AlertDriver) -> None:
    driver.fail("a")
    driver.go_on(600)
    driver.succeed("a")
    driver.go_on(60)
    driver.succeed("a")
    driver.go_on(60)
    (alert,) = driver.alerts()
    assert (alert.state, alert.resolution) == (AlertState.RESOLVED, Resolution.RECOVERED)
    assert alert.resolved_ms - alert.since_ms == 600_000
    assert [message.kind for message in driver.told()] == [MessageKind.FIRE, MessageKind.RESOLVE]
    assert not alert.is_live


def test_recovery_is_not_told_where_the_rule_says_so() -> None:
    driver = AlertDriver(with_conditions(RECOVERED=False))
    driver.job("a")
    driver.fail("a")
    driver.go_on(60)
    driver.succeed("a")
    driver.go_on(60)
    assert [message.kind for message in driver.told()] == [MessageKind.FIRE]
    assert not driver.open()
    assert not driver.record.load().alerts


def test_failures_in_a_row_are_counted_before_it_fires() -> None:
    driver = AlertDriver(with_conditions(RUN_FAILED={"after": 3}))
    driver.job("a")
    for do in (driver.fail, driver.fail, driver.succeed, driver.fail, driver.fail):
        do("a")
        driver.go_on(10)
    assert not driver.alerts()
    driver.crash()
    driver.fail("a")
    driver.turn()
    (alert,) = driver.open()
    assert (alert.count, alert.since_ms) == (3, START_MS + 30_000)


def test_job_that_is_registered_again_counts_from_zero() -> None:
    driver = AlertDriver(with_conditions(RUN_FAILED={"after": 2}))
    driver.job("a")
    driver.fail("a")
    driver.turn()
    assert driver.record.health
    driver.forget("a")
    driver.turn()
    assert not driver.record.health
    driver.job("a")
    driver.fail("a")
    driver.turn()
    assert not driver.alerts()


def test_end_of_a_run_that_was_never_told_is_taken_all_the_same(driver: AlertDriver) -> None:
    driver.book.run_gone(99, driver.now_ms)
    waiting = RunWaits(98, "a", "app", driver.now_ms)
    driver.runs[98] = waiting  # it started and ended in one turn
    driver.end(98, RunOutcome.FAILED)
    driver.turn()
    assert len(driver.open(Condition.RUN_FAILED)) == 1


def test_killed_run_raises_no_alert_and_ends_none(driver: AlertDriver) -> None:
    driver.end(driver.start(driver.wait("a")), RunOutcome.KILLED)
    driver.turn()
    assert not driver.alerts()
    driver.fail("a")
    driver.end(driver.start(driver.wait("a")), RunOutcome.KILLED)
    driver.turn()
    assert len(driver.open(Condition.RUN_FAILED)) == 1


def test_run_is_late_while_it_waits_and_not_afterwards(driver: AlertDriver) -> None:
    run_id = driver.wait("a")
    driver.turn()
    driver.go_on(59)
    assert not driver.alerts()
    driver.go_on(1)
    (alert,) = driver.open(Condition.LATE)
    assert (alert.value, alert.summary, alert.since_ms) == (60, "no room", START_MS)
    driver.start(run_id)
    driver.turn()
    assert not driver.open()
    driver.end(run_id, RunOutcome.SUCCEEDED)
    driver.turn()
    assert len(driver.alerts()) == 1


def test_new_leader_counts_no_late_run_again(driver: AlertDriver) -> None:
    driver.wait("a")
    driver.wait("a")
    driver.go_on(61)
    driver.crash()
    driver.go_on(61)
    (alert,) = driver.open(Condition.LATE)
    assert alert.count == 2


def test_job_is_late_until_none_of_its_runs_is(driver: AlertDriver) -> None:
    first, second = driver.wait("a"), driver.wait("a")
    driver.go_on(61)
    driver.start(first)
    driver.turn()
    (alert,) = driver.open(Condition.LATE)
    assert alert.count == 2
    driver.book.run_gone(second, driver.now_ms)
    driver.runs.pop(second)
    driver.turn()
    assert not driver.open()


def test_run_that_started_in_time_is_never_late(driver: AlertDriver) -> None:
    driver.start(driver.wait("a"))
    driver.go_on(1000)
    assert not driver.alerts()


def test_run_is_stuck_after_a_time() -> None:
    driver = AlertDriver(with_conditions(STUCK={"seconds": 300}))
    driver.job("a")
    run_id = driver.start(driver.wait("a"))
    driver.go_on(299)
    assert not driver.alerts()
    driver.go_on(2)
    (alert,) = driver.open(Condition.STUCK)
    assert (alert.where, alert.value) == ("host-1", 300)
    driver.end(run_id, RunOutcome.FAILED)
    driver.turn()
    assert not driver.open(Condition.STUCK)


def test_run_is_stuck_after_a_multiple_of_its_usual_time() -> None:
    driver = AlertDriver(with_conditions(STUCK={"times": 3}))
    driver.job("a")
    driver.start(driver.wait("a"))
    driver.go_on(100_000)
    assert not driver.alerts(), "nothing is usual yet"
    for seconds in (8, 9, 10, 9, 8):
        run_id = driver.start(driver.wait("a"))
        driver.go_on(seconds)
        driver.end(run_id, RunOutcome.SUCCEEDED)
    driver.turn()
    driver.crash()
    driver.start(driver.wait("a"))
    driver.go_on(29)
    assert len(driver.open(Condition.STUCK)) == 1, "the one that goes on since the beginning"
    driver.go_on(2)
    assert driver.open(Condition.STUCK)[0].count == 2


def test_no_success_is_a_dead_mans_switch() -> None:
    driver = AlertDriver(with_conditions(NO_SUCCESS={"seconds": 3600}))
    driver.job("a")
    driver.go_on(3599)
    driver.succeed("a")
    driver.go_on(3599)
    assert not driver.alerts()
    driver.crash()
    driver.go_on(2)
    (alert,) = driver.open(Condition.NO_SUCCESS)
    assert alert.since_ms == START_MS + 3_599_000
    driver.succeed("a")
    driver.turn()
    assert not driver.open()
    driver.go_on(3601)
    assert len(driver.open(Condition.NO_SUCCESS)) == 1, "the switch is set again"


def test_disabled_job_is_not_asked_for_successes() -> None:
    driver = AlertDriver(with_conditions(NO_SUCCESS={"seconds": 60}))
    driver.job("a")
    driver.go_on(61)
    driver.job("a", disabled=True)
    driver.turn()
    assert not driver.open()
    driver.go_on(600)
    driver.job("a")
    driver.go_on(59)
    assert not driver.open()
    driver.go_on(2)
    assert len(driver.open()) == 1


def test_dropped_fires_are_counted_until_none_was_dropped_for_ten_minutes(driver: AlertDriver) -> None:
    driver.drop("a", 5)
    driver.go_on(500)
    driver.drop("a")
    driver.go_on(500)
    (alert,) = driver.open(Condition.DROPPED)
    assert (alert.count, alert.summary) == (6, "misfired")
    driver.crash()
    driver.go_on(101)
    assert not driver.open()
    assert [message.kind for message in driver.told()] == [MessageKind.FIRE, MessageKind.RESOLVE]


def test_unplaceable_job_is_told_after_agents_had_time_to_come(driver: AlertDriver) -> None:
    driver.book.put_unplaceable({"a": "needs 64 CPUs"}, driver.now_ms)
    driver.go_on(20)
    driver.book.put_unplaceable({}, driver.now_ms)
    driver.go_on(100)
    assert not driver.alerts()
    driver.book.put_unplaceable({"a": "needs 64 CPUs"}, driver.now_ms)
    driver.go_on(20)
    driver.book.put_unplaceable({"a": "needs 64 CPUs"}, driver.now_ms)
    driver.go_on(11)
    (alert,) = driver.open(Condition.UNPLACEABLE)
    assert alert.summary == "needs 64 CPUs"
    driver.crash()
    driver.book.put_unplaceable({}, driver.now_ms)
    driver.turn()
    assert not driver.open()


def test_daemon_that_restarts_five_times_in_ten_minutes_flaps(driver: AlertDriver) -> None:
    for _ in range(4):
        driver.restart("a")
        driver.go_on(60)
        driver.crash()
    driver.restart("a", item=1)
    driver.turn()
    assert not driver.alerts()
    driver.restart("a")
    driver.turn()
    (alert,) = driver.open(Condition.FLAPPING)
    assert (alert.items, alert.value, alert.summary) == ((0,), 5, "exit code 1")
    driver.go_on(599)
    assert driver.open()
    driver.go_on(2)
    assert not driver.open()
    assert not driver.record.health


def test_slow_restarts_are_no_flapping(driver: AlertDriver) -> None:
    for _ in range(10):
        driver.restart("a")
        driver.go_on(200)
    assert not driver.alerts()


def test_lost_agent_is_over_when_its_host_has_one_again(driver: AlertDriver) -> None:
    driver.book.agent_lost("host-1", "its process ended", driver.now_ms)
    driver.turn()
    (alert,) = driver.open(Condition.AGENT_LOST)
    assert (alert.where, alert.summary, alert.job_name) == ("host-1", "its process ended", "")
    driver.crash()
    driver.book.agent_came("host-2", driver.now_ms)
    driver.turn()
    assert driver.open()
    driver.book.agent_came("host-1", driver.now_ms)
    driver.turn()
    assert not driver.open()


def test_lost_agent_that_never_comes_back_is_over_after_a_day(driver: AlertDriver) -> None:
    driver.book.agent_lost("host-1", "", driver.now_ms)
    driver.go_on(86_401)
    (alert,) = driver.alerts()
    assert alert.resolution is Resolution.EXPIRED


def test_no_agent_fires_after_thirty_seconds_without_any(driver: AlertDriver) -> None:
    driver.book.no_agent(driver.now_ms)
    driver.go_on(29)
    driver.book.agent_came("h", driver.now_ms)
    driver.go_on(60)
    assert not driver.alerts()
    driver.book.no_agent(driver.now_ms)
    driver.go_on(31)
    assert len(driver.open(Condition.NO_AGENT)) == 1
    driver.book.agent_came("h", driver.now_ms)
    driver.turn()
    assert not driver.open()


def test_clock_database_and_disk(driver: AlertDriver) -> None:
    driver.book.clock_jumped(-7_000, driver.now_ms)
    driver.book.database_took(999, driver.now_ms)
    driver.book.disk_measured("agent-of-host-1", "host-1", Disk("/data", 5.5, 100), driver.now_ms)
    driver.turn()
    assert [(alert.condition, alert.value) for alert in driver.open()] == [(Condition.CLOCK_JUMP, -7)]
    driver.book.database_took(1500, driver.now_ms)
    driver.book.disk_measured("agent-of-host-1", "host-1", Disk("/data", 4.94, 100), driver.now_ms)
    driver.turn()
    assert driver.open(Condition.DATABASE_SLOW)[0].value == 1.5
    assert driver.open(Condition.DISK_LOW)[0].value == 4.9
    driver.book.disk_measured("agent-of-host-1", "host-1", Disk("/data", 6, 100), driver.now_ms)
    driver.go_on(61)
    assert {alert.condition for alert in driver.open()} == {Condition.CLOCK_JUMP, Condition.DISK_LOW}
    driver.book.disk_measured("agent-of-host-1", "host-1", Disk("/data", 7, 100), driver.now_ms)
    driver.go_on(600)
    assert not driver.open()


def test_disk_of_a_host_that_is_gone_is_no_longer_low(driver: AlertDriver) -> None:
    driver.book.disk_measured("agent-of-host-1", "host-1", Disk("/data", 1, 100), driver.now_ms)
    driver.book.disk_measured("agent-of-host-2", "host-2", Disk("/data", 1, 100), driver.now_ms)
    driver.book.agent_left("agent-of-host-1", driver.now_ms)
    driver.turn()
    assert [alert.subject for alert in driver.open(Condition.DISK_LOW)] == ["host-2:/data"]


def test_disk_that_two_measure_is_low_until_both_are_gone(driver: AlertDriver) -> None:
    for by in ("", "agent-1", "agent-2"):
        driver.book.disk_measured(by, "host-1", Disk("/", 1, 100), driver.now_ms)
    driver.book.agent_left("agent-1", driver.now_ms)
    driver.book.agent_left("agent-2", driver.now_ms)
    driver.turn()
    (alert,) = driver.open(Condition.DISK_LOW)
    assert alert.count == 1
    driver.book.disk_measured("", "host-1", Disk("/", 50, 100), driver.now_ms)
    driver.turn()
    (alert,) = driver.alerts()
    assert alert.resolution is Resolution.RECOVERED


def test_disk_that_nobody_measures_any_more_is_over_after_ten_minutes(driver: AlertDriver) -> None:
    driver.book.disk_measured("agent-1", "host-1", Disk("/", 1, 100), driver.now_ms)
    driver.book.disk_measured("agent-2", "host-2", Disk("/", 1, 100), driver.now_ms)
    for _ in range(11):
        driver.go_on(60)
        driver.book.disk_measured("agent-2", "host-2", Disk("/", 1, 100), driver.now_ms)
    driver.turn()
    assert [alert.subject for alert in driver.open(Condition.DISK_LOW)] == ["host-2:/"]
    (over,) = [alert for alert in driver.alerts() if not alert.is_open]
    assert over.resolution is Resolution.EXPIRED


def test_shards_that_restart_once_each_do_not_flap_together(driver: AlertDriver) -> None:
    for item in range(50):
        driver.restart("a", item)
    driver.turn()
    assert not driver.alerts()


def test_flapping_is_over_though_other_shards_restart_now_and_then(driver: AlertDriver) -> None:
    for _ in range(5):
        driver.restart("a", 7)
    for item in range(50):
        driver.restart("a", item=item + 10)
        driver.go_on(60)
    (alert,) = driver.alerts()
    assert (alert.items, alert.value, alert.count) == ((7,), 5, 5)
    assert alert.resolution is Resolution.RECOVERED


def test_shards_that_flap_are_told_in_one_alert_that_lasts_as_long_as_one_of_them(
    driver: AlertDriver,
) -> None:
    for item in (7, 3):
        for _ in range(5):
            driver.restart("a", item)
    for _ in range(3):
        driver.go_on(540)
        driver.restart("a", 3)
    driver.turn()
    (alert,) = driver.open(Condition.FLAPPING)
    assert (alert.items, alert.count) == ((3, 7), 9)
    driver.go_on(601)
    assert not driver.open()


@pytest.mark.slow
def test_daemon_of_many_shards_that_all_flap_is_seen(driver: AlertDriver) -> None:
    for _ in range(5):
        for item in range(300):
            driver.restart("a", item)
        driver.go_on(60)
    assert len(driver.open(Condition.FLAPPING)) == 1


@pytest.mark.parametrize("condition", [it for it in Condition if it is not Condition.RECOVERED])
def test_condition_that_is_off_never_fires(condition: Condition) -> None:
    driver = AlertDriver({**HOOK, "conditions": {condition.value: False}})
    driver.job("a")
    let_all_fire(driver)
    assert condition not in {alert.condition for alert in driver.alerts()}


def test_switching_a_condition_off_ends_its_alerts() -> None:
    driver = AlertDriver(with_conditions(STUCK={"seconds": 60}, NO_SUCCESS={"seconds": 60}))
    driver.job("a")
    let_all_fire(driver)
    driver.go_on(0)
    assert {alert.condition for alert in driver.open()} == set(Condition) - {Condition.RECOVERED}
    conditions = {condition.value: False for condition in Condition}
    driver.rule(GLOBAL_SCOPE, {**HOOK, "conditions": conditions})
    driver.turn()
    driver.crash()  # whether or not the last leader came to it
    driver.turn()
    assert not driver.open()
    assert {alert.resolution for alert in driver.alerts()} == {Resolution.NOT_WATCHED}


def test_deregistered_job_has_no_open_alert_and_no_row() -> None:
    driver = AlertDriver(with_conditions(STUCK={"seconds": 60}, NO_SUCCESS={"seconds": 60}))
    driver.job("a")
    let_all_fire(driver)
    driver.runs.clear()
    driver.forget("a")
    driver.turn()
    assert all(not alert.condition.is_of_job for alert in driver.open())
    assert not driver.record.health


def let_all_fire(driver: AlertDriver) -> None:
    """Let everything go wrong."""
    now_ms = driver.now_ms
    driver.fail("a")
    driver.wait("a")
    driver.start(driver.wait("a"))
    driver.drop("a")
    driver.book.put_unplaceable({"a": "too large"}, now_ms)
    for _ in range(5):
        driver.restart("a")
    driver.book.no_agent(now_ms)
    driver.book.agent_lost("host", "", now_ms)
    driver.go_on(61)
    driver.book.clock_jumped(5_000, driver.now_ms)
    driver.book.database_took(5_000, driver.now_ms)
    driver.book.disk_measured("agent-of-host", "host", Disk("/", 1, 100), driver.now_ms)
    driver.turn()

"""Rules that change while things go on: what is watched is judged by the rule that holds now, some jobs in each turn."""

import pytest

from elasticjob_cloud.model.alerting.alert import Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import RunOutcome
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.scheduling.alerts.announcer import GROUP_INTERVAL_MS, MOST_IN_GROUP
from tests.unit.scheduling.alerts.alert_driver import HOOK, AlertDriver


def conditions(**conditions: object) -> dict[str, object]:
    return {"conditions": conditions}


def driver_with(*jobs: str, rule: dict[str, object] | None = None) -> AlertDriver:
    driver = AlertDriver({**HOOK, **(rule or {})})
    for name in jobs:
        driver.job(name)
    driver.turn()
    return driver


def test_nearest_rule_decides_when_a_run_is_late() -> None:
    driver = driver_with("a", "b", "c")
    driver.job("b", app="other")
    driver.rule("job:a", conditions(LATE={"seconds": 10}))
    driver.rule("app:other", conditions(LATE=False))
    for name in "abc":
        driver.wait(name)
    driver.go_on(30)
    assert {alert.job_name for alert in driver.open(Condition.LATE)} == {"a"}
    driver.go_on(100)
    assert {alert.job_name for alert in driver.open(Condition.LATE)} == {"a", "c"}


def test_run_that_waits_is_judged_by_the_new_rule() -> None:
    driver = driver_with("a")
    driver.wait("a")
    driver.go_on(30)
    driver.rule("job:a", conditions(LATE={"seconds": 20}))
    driver.turn()
    assert driver.open(Condition.LATE)
    driver.rule("job:a", conditions(LATE={"seconds": 100}))
    driver.turn()
    assert [alert.resolution for alert in driver.alerts(Condition.LATE)] == [Resolution.NOT_WATCHED]
    driver.go_on(71)
    assert len(driver.open(Condition.LATE)) == 1
    driver.rule("job:a", None)
    driver.go_on(100)
    assert len(driver.open(Condition.LATE)) == 1
    assert "job:a" not in driver.record.rules


def test_run_that_goes_on_is_judged_by_the_usual_time_of_now() -> None:
    driver = driver_with("a", rule=conditions(STUCK={"times": 2}))
    for seconds in (10, 10, 10, 10, 10):
        run_id = driver.start(driver.wait("a"))
        driver.go_on(seconds)
        driver.end(run_id, RunOutcome.SUCCEEDED)
    long = driver.start(driver.wait("a"))
    slower = driver.start(driver.wait("a"))
    driver.go_on(19)
    driver.end(slower, RunOutcome.SUCCEEDED)
    driver.go_on(2)
    assert not driver.open(), "it is due when 38 s have gone"
    driver.go_on(18)
    assert driver.open(Condition.STUCK)
    driver.end(long, RunOutcome.SUCCEEDED)
    driver.turn()
    assert not driver.open()


@pytest.mark.slow
def test_rule_for_all_comes_to_some_jobs_in_each_turn() -> None:
    names = [f"job-{number}" for number in range(2_500)]
    driver = driver_with(*names)
    for name in names:
        driver.wait(name)
    driver.go_on(61)
    driver.go_on(0)
    driver.go_on(0)
    assert len(driver.open(Condition.LATE)) == 2_500
    driver.rule(GLOBAL_SCOPE, {**HOOK, **conditions(LATE=False, NO_SUCCESS={"seconds": 3600})})
    driver.turn()
    assert len(driver.open(Condition.LATE)) == 1_500
    assert driver.book.next_ms() == 0
    driver.forget(names[-1])
    driver.turn()
    driver.turn()
    assert not driver.open()
    driver.go_on(3601)
    driver.go_on(0)
    driver.go_on(0)
    assert len(driver.open(Condition.NO_SUCCESS)) == 2_499


def test_runs_that_no_rule_watches_any_more_are_left_alone_before_it_comes_to_their_job() -> None:
    names = [f"job-{number}" for number in range(1_500)]
    rule = conditions(STUCK={"seconds": 60}, NO_SUCCESS={"seconds": 60})
    driver = driver_with(*names, rule=rule)
    driver.start(driver.wait(names[-1]))
    driver.wait(names[-1])
    driver.now_ms += 61_000
    off = conditions(STUCK=False, NO_SUCCESS=False, LATE=False)
    driver.rule(GLOBAL_SCOPE, {**HOOK, **off})
    driver.turn()
    driver.turn()
    assert not driver.alerts()
    assert not driver.record.health
    driver.rule(GLOBAL_SCOPE, {**HOOK, **conditions(STUCK={"seconds": 60}, NO_SUCCESS={"seconds": 60})})
    driver.turn()
    driver.turn()
    assert {alert.condition for alert in driver.open()} == {Condition.LATE, Condition.STUCK}
    driver.now_ms += 61_000
    later = conditions(STUCK={"seconds": 600}, NO_SUCCESS={"seconds": 600}, LATE={"seconds": 600})
    driver.rule(GLOBAL_SCOPE, {**HOOK, **later})
    driver.turn()
    driver.turn()
    assert not driver.open()


def test_longer_wait_for_a_success_holds_from_the_last_one() -> None:
    driver = driver_with("a", rule=conditions(NO_SUCCESS={"seconds": 600}))
    driver.go_on(300)
    driver.succeed("a")
    driver.rule("job:a", conditions(NO_SUCCESS={"seconds": 100}))
    driver.go_on(99)
    assert not driver.open()
    driver.go_on(2)
    assert driver.open(Condition.NO_SUCCESS)
    driver.rule("job:a", conditions(NO_SUCCESS=False))
    driver.turn()
    assert not driver.open()
    assert not driver.record.health


def test_what_is_unplaceable_is_judged_by_the_new_rule() -> None:
    driver = driver_with("a", rule=conditions(UNPLACEABLE=False))
    driver.book.put_unplaceable({"a": "too large", "unknown": "too large"}, driver.now_ms)
    driver.go_on(100)
    assert not driver.alerts()
    driver.rule("job:a", conditions(UNPLACEABLE={"seconds": 150}))
    driver.go_on(49)
    assert not driver.alerts()
    driver.go_on(2)
    assert driver.open(Condition.UNPLACEABLE)
    driver.book.no_agent(driver.now_ms)
    driver.book.no_agent(driver.now_ms)
    driver.go_on(31)
    driver.book.no_agent(driver.now_ms)
    driver.go_on(31)
    assert len(driver.alerts(Condition.NO_AGENT)) == 1


def test_deregistered_job_is_forgotten_with_its_alerts_by_the_next_leader_too() -> None:
    driver = driver_with("a")
    driver.fail("a")
    driver.turn()
    del driver.jobs["a"]  # as if its end had not been told
    driver.crash()
    driver.turn()
    assert [alert.resolution for alert in driver.alerts()] == [Resolution.REMOVED]


def test_silence_that_does_not_exist_cannot_end() -> None:
    driver = driver_with("a")
    silence = Silence(silence_id="s", start_ms=0, end_ms=driver.now_ms + 1000, job_name="other")
    driver.book.put_silence(silence, driver.now_ms)
    driver.book.put_silence(Silence(silence_id="t", start_ms=0, end_ms=driver.now_ms + 5000), driver.now_ms)
    driver.fail("a")
    assert not driver.book.drop_silence("u", driver.now_ms)
    assert driver.book.drop_silence("s", driver.now_ms)
    driver.turn()
    assert list(driver.record.silences) == ["t"]
    assert not driver.told()


def test_one_message_is_about_so_many_alerts_at_most() -> None:
    names = [f"job-{number}" for number in range(MOST_IN_GROUP + 10)]
    driver = driver_with(*names)
    for name in names:
        driver.fail(name)
    driver.turn()
    driver.go_on(GROUP_INTERVAL_MS / 1000)
    assert [message.total for message in driver.told()] == [MOST_IN_GROUP, 10]


def test_channels_that_are_taken_away_before_a_message_is_written_hear_nothing() -> None:
    driver = driver_with("a", "b", rule={"groupSeconds": 5})
    driver.fail("a")
    driver.fail("b")
    driver.turn()
    driver.rule("job:a", {"channels": []})
    driver.go_on(6)
    (message,) = driver.told()
    assert [alert.job_name for alert in message.alerts] == ["b"]


def test_switch_for_a_condition_that_already_fires_changes_nothing() -> None:
    driver = driver_with("a")
    driver.drop("a")
    driver.turn()
    driver.rule("job:a", conditions(DROPPED={"clearSeconds": 60}))
    driver.turn()
    driver.forget("a")
    driver.turn()
    driver.job("a")
    driver.go_on(61)
    assert len(driver.alerts(Condition.DROPPED)) == 1

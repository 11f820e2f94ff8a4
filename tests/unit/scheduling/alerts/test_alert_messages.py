"""Who is told what, and when: groups, silences, quiet hours, reminders, acknowledgement; and after a change of leaders."""

import datetime as dt
import itertools

from elasticjob_cloud.model.alerting.alert import AlertState
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.message import MOST_ALERTS, MessageKind
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE, Language
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.scheduling.alerts.announcer import GROUP_INTERVAL_MS
from tests.unit.scheduling.alerts.alert_driver import HOOK, AlertDriver

FIRE, RESOLVE, REMIND = MessageKind.FIRE, MessageKind.RESOLVE, MessageKind.REMIND


def driver_of(**rule: object) -> AlertDriver:
    driver = AlertDriver({**HOOK, **rule})
    driver.job("a")
    return driver


def kinds(driver: AlertDriver) -> list[MessageKind]:
    return [message.kind for message in driver.told()]


def test_without_channels_an_alert_is_shown_and_not_sent() -> None:
    driver = AlertDriver(None)
    driver.job("a")
    driver.fail("a")
    driver.go_on(60)
    assert len(driver.open()) == 1
    driver.succeed("a")
    driver.go_on(60)
    assert not driver.open()
    assert not driver.told()
    assert not driver.record.load().alerts


def test_channels_that_are_named_later_hear_of_what_is_still_wrong() -> None:
    driver = AlertDriver(None)
    driver.job("a")
    driver.fail("a")
    driver.turn()
    driver.rule("app:app", {"channels": ["mail"]})
    driver.go_on(6)
    assert [message.channels for message in driver.told(FIRE)] == [("mail",)]


def test_what_fires_together_is_one_message() -> None:
    driver = driver_of(groupSeconds=5)
    for number in range(500):
        driver.job(f"job-{number}")
        driver.fail(f"job-{number}", "the agent was lost")
    driver.book.agent_lost("host-1", "its machine is gone", driver.now_ms)
    driver.turn()
    driver.fail("a")
    assert not driver.told()
    driver.go_on(5)
    (message,) = driver.told()
    assert (message.total, len(message.alerts)) == (502, MOST_ALERTS)
    assert len({alert.message_id for alert in driver.alerts()}) == 1


def test_one_kind_is_told_twice_a_minute_at_most() -> None:
    driver = driver_of(groupSeconds=5)
    for number in range(60):
        driver.job(f"job-{number}")
        driver.fail(f"job-{number}")
        driver.go_on(1)
    driver.go_on(60)
    times = [message.created_ms for message in driver.told(FIRE)]
    assert len(times) == 3
    assert all(later - earlier >= GROUP_INTERVAL_MS for earlier, later in itertools.pairwise(times))
    assert sum(message.total for message in driver.told(FIRE)) == 60


def test_alert_that_is_over_before_it_is_told_is_told_twice_all_the_same() -> None:
    driver = driver_of(groupSeconds=5)
    driver.fail("a")
    driver.go_on(1)
    driver.succeed("a")
    driver.go_on(1)
    driver.crash()
    driver.go_on(60)
    assert kinds(driver) == [FIRE, RESOLVE]


def test_groups_differ_by_channels_and_language() -> None:
    driver = driver_of()
    driver.job("b")
    driver.job("c")
    driver.rule("job:b", {"channels": ["mail"]})
    driver.rule("job:c", {"language": "zh"})
    for name in "abc":
        driver.fail(name)
    driver.turn()
    assert {(message.channels, message.language) for message in driver.told()} == {
        (("hook",), Language.ENGLISH),
        (("mail",), Language.ENGLISH),
        (("hook",), Language.CHINESE),
    }


def test_who_heard_of_the_beginning_hears_of_the_end() -> None:
    driver = driver_of()
    driver.fail("a")
    driver.turn()
    driver.rule(GLOBAL_SCOPE, {"channels": ["another"], "groupSeconds": 0})
    driver.succeed("a")
    driver.turn()
    assert [message.channels for message in driver.told()] == [("hook",), ("hook",)]


def test_last_end_of_a_group_closes_its_message() -> None:
    driver = driver_of(groupSeconds=5)
    driver.job("b")
    driver.fail("a")
    driver.fail("b")
    driver.go_on(5)
    (fire,) = driver.told()
    driver.succeed("a")
    driver.go_on(60)
    driver.crash()
    driver.succeed("b")
    driver.go_on(60)
    assert [message.closed_ids for message in driver.told(RESOLVE)] == [(), (fire.message_id,)]


def test_silence_holds_back_what_it_matches_until_its_end() -> None:
    driver = driver_of()
    driver.job("b", app="other")
    silence = Silence(silence_id="s", start_ms=driver.now_ms, end_ms=driver.now_ms + 600_000, app_name="app")
    driver.book.put_silence(silence, driver.now_ms)
    driver.fail("a")
    driver.fail("b")
    driver.go_on(300)
    driver.crash()
    driver.go_on(299)
    assert [message.alerts[0].job_name for message in driver.told()] == ["b"]
    driver.go_on(2)
    assert [message.alerts[0].job_name for message in driver.told()] == ["b", "a"]


def test_what_is_over_when_a_silence_ends_is_never_told() -> None:
    driver = driver_of()
    silence = Silence(
        silence_id="s", start_ms=0, end_ms=driver.now_ms + 600_000, condition=Condition.RUN_FAILED
    )
    driver.book.put_silence(silence, driver.now_ms)
    driver.fail("a")
    driver.go_on(60)
    driver.succeed("a")
    driver.go_on(1000)
    assert not driver.told()
    assert not driver.open()
    assert not driver.record.load().alerts


def test_silence_reaches_what_waits_for_its_group() -> None:
    driver = driver_of(groupSeconds=5)
    driver.fail("a")
    driver.turn()
    silence = Silence(silence_id="s", start_ms=0, end_ms=driver.now_ms + 60_000)
    driver.book.put_silence(silence, driver.now_ms)
    driver.go_on(50)
    assert not driver.told()
    driver.go_on(20)
    assert kinds(driver) == [FIRE]


def test_ending_a_silence_early_tells_what_it_held_back() -> None:
    driver = driver_of()
    silence = Silence(silence_id="s", start_ms=0, end_ms=driver.now_ms + 600_000, job_name="a")
    driver.book.put_silence(silence, driver.now_ms)
    driver.fail("a")
    driver.turn()
    driver.book.drop_silence("s", driver.now_ms)
    driver.turn()
    assert kinds(driver) == [FIRE]
    assert not driver.record.silences


def test_silence_still_lets_the_end_of_what_was_told_be_told() -> None:
    driver = driver_of()
    driver.fail("a")
    driver.turn()
    silence = Silence(silence_id="s", start_ms=0, end_ms=driver.now_ms + 600_000)
    driver.book.put_silence(silence, driver.now_ms)
    driver.succeed("a")
    driver.turn()
    assert kinds(driver) == [FIRE, RESOLVE]


def test_minutes_of_silence_hold_back_the_same_alert_only() -> None:
    driver = driver_of(silenceMinutes=30)
    driver.job("b")
    for _ in range(5):
        driver.fail("a")
        driver.go_on(60)
        driver.succeed("a")
        driver.go_on(60)
        driver.crash()
    driver.fail("a")
    driver.fail("b")
    driver.turn()
    told = [(message.kind, message.alerts[0].job_name) for message in driver.told()]
    assert told == [(FIRE, "a"), (RESOLVE, "a"), (FIRE, "b")]
    driver.go_on(1801)
    assert [message.alerts[0].job_name for message in driver.told(FIRE)] == ["a", "b", "a"]
    driver.succeed("a")
    driver.succeed("b")
    driver.go_on(3600)
    assert not driver.record.load().alerts


def test_quiet_hours_hold_back_all_but_critical_messages() -> None:
    quiet = {"start": "22:00", "end": "07:00", "timeZone": "Asia/Shanghai"}
    driver = driver_of(quietHours=quiet)
    driver.now_ms = int(dt.datetime(2027, 1, 5, 15, 30, tzinfo=dt.UTC).timestamp() * 1000)  # 23:30 there
    driver.drop("a")
    driver.fail("a")
    driver.go_on(60)
    assert [message.alerts[0].condition for message in driver.told()] == [Condition.RUN_FAILED]
    driver.wait("a")
    driver.go_on(7 * 3600)
    assert len(driver.told()) == 1
    driver.go_on(1800)
    (_, morning) = driver.told()
    assert [alert.condition for alert in morning.alerts] == [Condition.LATE]
    assert dt.datetime.fromtimestamp(morning.created_ms / 1000, dt.UTC).hour == 23


def test_reminder_comes_until_somebody_acknowledges() -> None:
    driver = driver_of(reminderMinutes=60)
    driver.fail("a")
    driver.go_on(3601)
    driver.crash()
    driver.go_on(3600)
    assert kinds(driver) == [FIRE, REMIND, REMIND]
    (alert,) = driver.open()
    assert driver.book.acknowledge(alert.alert_id, "root", driver.now_ms)
    assert driver.book.acknowledge(alert.alert_id, "other", driver.now_ms)
    driver.go_on(10_000)
    (alert,) = driver.open()
    assert (alert.state, alert.acknowledged_by) == (AlertState.ACKNOWLEDGED, "root")
    driver.fail("a")
    driver.succeed("a")
    driver.turn()
    assert kinds(driver) == [FIRE, REMIND, REMIND, RESOLVE]
    assert not driver.book.acknowledge(alert.alert_id, "root", driver.now_ms)


def test_alert_that_is_acknowledged_before_it_is_told_is_not_told() -> None:
    driver = driver_of(groupSeconds=5)
    driver.fail("a")
    driver.turn()
    driver.book.acknowledge(driver.open()[0].alert_id, "root", driver.now_ms)
    driver.go_on(60)
    driver.succeed("a")
    driver.go_on(60)
    assert not driver.told()
    assert not driver.record.load().alerts


def test_clock_that_is_set_back_delays_no_message() -> None:
    driver = driver_of(groupSeconds=5)
    driver.fail("a")
    driver.turn()
    driver.now_ms -= 3_600_000
    driver.book.clock_jumped(-3_600_000, driver.now_ms)
    driver.go_on(6)
    assert Condition.RUN_FAILED in {alert.condition for message in driver.told() for alert in message.alerts}


def test_new_leader_sends_what_the_last_one_had_not_and_nothing_twice() -> None:
    driver = driver_of(groupSeconds=5)
    driver.fail("a")
    driver.go_on(1)
    driver.crash()
    driver.go_on(5)
    driver.crash()
    driver.go_on(60)
    assert kinds(driver) == [FIRE]


def test_message_that_was_not_committed_is_written_by_the_next_leader() -> None:
    driver = driver_of()
    driver.fail("a")
    driver.turn()
    driver.succeed("a")
    driver.book.advance(driver.now_ms)
    driver.book.take_changes()  # and lost
    driver.crash()
    driver.succeed("a")
    driver.turn()
    assert kinds(driver) == [FIRE, RESOLVE]

"""What alerts promise, whatever happens and wherever a leader crashes (alerts.md; semantics.md, promise 13)."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.changes import AlertSnapshot
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import RunOutcome, RunStarted, RunWaits, WatchedJob
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE
from elasticjob_cloud.scheduling.alerts.book import AlertBook
from tests.unit.scheduling.alerts.alert_driver import AlertDriver

JOBS = ("a", "b", "c")
ACTIONS = (
    "wait",
    "start",
    "succeed",
    "fail",
    "kill",
    "drop",
    "restart",
    "pause",
    "crash",
    "lose",
    "acknowledge",
)


class Checker:
    """Remembers, of each failed run that was committed, that it must have an alert."""

    def __init__(self, driver: AlertDriver, after: int) -> None:
        self.driver = driver
        self.after = after
        self.in_a_row = dict.fromkeys(JOBS, 0)
        self.last: dict[str, RunOutcome] = {}

    def note(self, job_name: str, outcome: RunOutcome, run_id: int) -> None:
        """A run's end was committed."""
        if outcome is RunOutcome.KILLED:
            return
        self.last[job_name] = outcome
        self.in_a_row[job_name] = self.in_a_row[job_name] + 1 if outcome is RunOutcome.FAILED else 0
        if self.in_a_row[job_name] >= self.after:
            (alert,) = self.open_of(job_name)
            assert alert.run_id == run_id

    def open_of(self, job_name: str) -> list[Alert]:
        return [it for it in self.driver.open(Condition.RUN_FAILED) if it.job_name == job_name]

    def check(self) -> None:
        driver = self.driver
        open_keys = [alert.key for alert in driver.open()]
        assert len(open_keys) == len(set(open_keys)), "two open alerts about one thing"
        for kind in (MessageKind.FIRE, MessageKind.RESOLVE):
            told = [alert.alert_id for message in driver.told(kind) for alert in message.alerts]
            assert len(told) == len(set(told)), f"{kind} was told twice"
        for job_name in JOBS:
            if self.last.get(job_name) is RunOutcome.SUCCEEDED:
                assert not self.open_of(job_name), "the job is well again"
        assert len({message.message_id for message in driver.told()}) == len(driver.told())

    def check_end(self) -> None:
        """After a long time in which all went well."""
        self.check()
        driver = self.driver
        assert not driver.open()
        fired = {alert.alert_id for message in driver.told(MessageKind.FIRE) for alert in message.alerts}
        ended = {alert.alert_id for message in driver.told(MessageKind.RESOLVE) for alert in message.alerts}
        assert fired == ended, "each beginning that was told has its end told"
        untold = [alert for alert in driver.alerts() if alert.alert_id not in fired]
        assert all(alert.acknowledged_ms for alert in untold), "each alert was told"
        assert not driver.record.load().alerts
        assert (driver.book.next_ms() or driver.now_ms + 1) > driver.now_ms, "nothing is due for ever"


def play(seed: int, steps: int, after: int, group_seconds: float, *, crashes: bool) -> None:
    chance = random.Random(seed)
    driver = AlertDriver(None, crashes=crashes)
    rule = {
        "channels": ["hook"],
        "groupSeconds": group_seconds,
        "conditions": {"RUN_FAILED": {"after": after}, "STUCK": {"seconds": 120}},
    }
    driver.rule(GLOBAL_SCOPE, rule)
    for name in JOBS:
        driver.job(name)
    driver.turn()
    checker = Checker(driver, after)
    for _ in range(steps):
        step(driver, checker, chance)
        checker.check()
    finish(driver, checker)


def step(driver: AlertDriver, checker: Checker, chance: random.Random) -> None:
    action, name = chance.choice(ACTIONS), chance.choice(JOBS)
    waiting = [run.run_id for run in driver.runs.values() if isinstance(run, RunWaits)]
    running = [run.run_id for run in driver.runs.values() if isinstance(run, RunStarted)]
    match action:
        case "wait":
            driver.wait(name)
            driver.turn()
        case "start" if waiting:
            driver.start(chance.choice(waiting))
            driver.turn()
        case "succeed" | "fail" | "kill" if running:
            outcome = {"succeed": RunOutcome.SUCCEEDED, "fail": RunOutcome.FAILED}.get(
                action, RunOutcome.KILLED
            )
            end(driver, checker, chance.choice(running), outcome)
        case "drop":
            driver.drop(name)
            driver.turn()
        case "restart":
            driver.restart(name, chance.randrange(2))
            driver.turn()
        case "pause":
            driver.go_on(chance.choice((1, 10, 40, 100)))
        case "crash":
            driver.crash()
        case "lose" if running:  # decided, and not committed: the next leader hears of it again
            run_id, outcome = chance.choice(running), chance.choice((RunOutcome.FAILED, RunOutcome.SUCCEEDED))
            run = driver.runs[run_id]
            driver.end(run_id, outcome)
            driver.book.advance(driver.now_ms)
            driver.book.take_changes()
            driver.runs[run_id] = run
            driver.crash()
            end(driver, checker, run_id, outcome)
        case "acknowledge" if driver.open():
            driver.book.acknowledge(driver.open()[0].alert_id, "root", driver.now_ms)
            driver.turn()
        case _:
            pass


def end(driver: AlertDriver, checker: Checker, run_id: int, outcome: RunOutcome) -> None:
    job_name = driver.runs[run_id].job_name
    driver.end(run_id, outcome)
    driver.turn()
    checker.note(job_name, outcome, run_id)


def finish(driver: AlertDriver, checker: Checker) -> None:
    driver.crash()
    for run in list(driver.runs.values()):
        if isinstance(run, RunWaits):
            driver.start(run.run_id)
        end(driver, checker, run.run_id, RunOutcome.SUCCEEDED)
    for name in JOBS:
        end(driver, checker, driver.start(driver.wait(name)), RunOutcome.SUCCEEDED)
    driver.go_on(1000)
    driver.go_on(1000)
    checker.check_end()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 3), st.sampled_from((0, 5)), st.booleans())
def test_failed_runs_have_alerts_that_are_told_once_and_end(
    seed: int, steps: int, after: int, group_seconds: float, crashes: bool
) -> None:
    play(seed, steps, after, group_seconds, crashes=crashes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("crashes", [False, True])
def test_long_histories_keep_the_promises(seed: int, crashes: bool) -> None:
    play(seed, 200, 1, 5, crashes=crashes)


@pytest.mark.slow
def test_time_that_passes_costs_what_is_due_and_not_what_is_registered() -> None:
    book = AlertBook(AlertSnapshot(), iter(map(str, range(1000))).__next__)
    for number in range(100_000):
        book.watch_job(WatchedJob(f"job-{number}", "app"), 0)
    assert book.next_ms() is None
    book.run_waits(RunWaits(1, "job-7", "app", 1_000), 1_000)
    assert book.next_ms() == 61_000
    book.advance(61_000)
    (alert,) = book.take_changes().alerts.values()
    assert (alert.job_name, alert.state) == ("job-7", AlertState.FIRING)
    assert book.next_ms() is None

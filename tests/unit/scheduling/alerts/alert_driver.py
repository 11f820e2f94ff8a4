"""Drives an alert book as the core will: turns, commits, and crashes after which a new book goes on from the rows."""

from collections.abc import Mapping
from itertools import count

import msgspec

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.changes import AlertChanges, AlertSnapshot
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import (
    DaemonRestarted,
    FiresDropped,
    RunEnded,
    RunOutcome,
    RunStarted,
    RunWaits,
    WatchedJob,
)
from elasticjob_cloud.model.alerting.health import JobHealth
from elasticjob_cloud.model.alerting.json.rule_fields import read_rule, rule_fields
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE, AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.scheduling.alerts.book import AlertBook

START_MS = 1_800_000_000_000
HOOK: Mapping[str, object] = {"channels": ["hook"], "groupSeconds": 0}


class AlertRecord:
    """The rows that were committed, as JSON, as a database would have them."""

    def __init__(self) -> None:
        self.alerts: dict[str, bytes] = {}
        self.health: dict[str, bytes] = {}
        self.rules: dict[str, bytes] = {}
        self.silences: dict[str, bytes] = {}
        self.messages: list[AlertMessage] = []

    def commit(self, changes: AlertChanges) -> None:
        for alert_id, alert in changes.alerts.items():
            self.alerts[alert_id] = msgspec.json.encode(alert)
        _write(self.health, changes.health)
        _write(self.silences, changes.silences)
        _write(
            self.rules,
            {scope: None if rule is None else rule_fields(rule) for scope, rule in changes.rules.items()},
        )
        for message in changes.messages:
            self.messages.append(msgspec.json.decode(msgspec.json.encode(message), type=AlertMessage))

    def load(self) -> AlertSnapshot:
        alerts = self.all_alerts()
        return AlertSnapshot(
            rules={scope: read_rule(msgspec.json.decode(row)) for scope, row in self.rules.items()},
            silences=[msgspec.json.decode(row, type=Silence) for row in self.silences.values()],
            health=[msgspec.json.decode(row, type=JobHealth) for row in self.health.values()],
            alerts=[alert for alert in alerts if alert.is_live],
        )

    def all_alerts(self) -> list[Alert]:
        return [msgspec.json.decode(row, type=Alert) for row in self.alerts.values()]


class AlertDriver:
    """A book, the record, and what the core would know of jobs and runs."""

    def __init__(self, rule: Mapping[str, object] | None = HOOK, *, crashes: bool = False) -> None:
        self.crashes = crashes  # after each commit
        self.record = AlertRecord()
        self.now_ms = START_MS
        self.ids = count(1)
        self.jobs: dict[str, WatchedJob] = {}
        self.runs: dict[int, RunWaits | RunStarted] = {}
        self.run_ids = count(1)
        self.book = self._new_book()
        if rule is not None:
            self.rule(GLOBAL_SCOPE, rule)
            self.turn()

    # What happens

    def rule(self, scope: str, fields: Mapping[str, object] | None) -> None:
        rule: AlertRule | None = None if fields is None else read_rule(fields)
        self.book.put_rule(scope, rule, self.now_ms)

    def job(self, name: str, app: str = "app", *, disabled: bool = False) -> None:
        self.jobs[name] = WatchedJob(name, app, disabled)
        self.book.watch_job(self.jobs[name], self.now_ms)

    def forget(self, name: str) -> None:
        del self.jobs[name]
        self.book.forget_job(name, self.now_ms)

    def wait(self, name: str, due_ms: int | None = None) -> int:
        run_id = next(self.run_ids)
        run = RunWaits(run_id, name, self.jobs[name].app_name, due_ms or self.now_ms, "no room")
        self.runs[run_id] = run
        self.book.run_waits(run, self.now_ms)
        return run_id

    def start(self, run_id: int) -> int:
        waiting = self.runs[run_id]
        run = RunStarted(run_id, waiting.job_name, waiting.app_name, self.now_ms, "host-1")
        self.runs[run_id] = run
        self.book.run_started(run, self.now_ms)
        return run_id

    def end(self, run_id: int, outcome: RunOutcome, summary: str = "") -> None:
        run = self.runs.pop(run_id)
        started_ms = run.started_ms if isinstance(run, RunStarted) else self.now_ms
        items = (0,) if outcome is RunOutcome.FAILED else ()
        self.book.run_ended(
            RunEnded(
                run_id,
                run.job_name,
                run.app_name,
                outcome,
                self.now_ms,
                self.now_ms - started_ms,
                items,
                "host-1",
                summary,
            ),
            self.now_ms,
        )

    def fail(self, name: str, summary: str = "ValueError: no") -> int:
        run_id = self.start(self.wait(name))
        self.end(run_id, RunOutcome.FAILED, summary)
        return run_id

    def succeed(self, name: str) -> int:
        run_id = self.start(self.wait(name))
        self.end(run_id, RunOutcome.SUCCEEDED)
        return run_id

    def drop(self, name: str, count: int = 1) -> None:
        fires = FiresDropped(
            next(self.run_ids), name, self.jobs[name].app_name, "misfired", count, self.now_ms
        )
        self.book.fires_dropped(fires, self.now_ms)

    def restart(self, name: str, item: int = 0) -> None:
        app = self.jobs[name].app_name
        self.book.daemon_restarted(
            DaemonRestarted(1, name, app, item, self.now_ms, "host-1", "exit code 1"), self.now_ms
        )

    # Time

    def turn(self) -> AlertChanges:
        """End the turn and commit it."""
        self.book.advance(self.now_ms)
        changes = self.book.take_changes()
        self.record.commit(changes)
        if self.crashes:
            self.crash()
        return changes

    def crash(self) -> None:
        """Lose what was not committed; a new leader goes on from the record."""
        self.book = self._new_book()
        for job in self.jobs.values():
            self.book.watch_job(job, self.now_ms)
        for run in self.runs.values():
            if isinstance(run, RunWaits):
                self.book.run_waits(run, self.now_ms)
            else:
                self.book.run_started(run, self.now_ms)
        self.book.taken_over(self.now_ms)

    def go_on(self, seconds: float) -> None:
        """Let time pass, with a turn whenever the book asks for one."""
        until_ms = self.now_ms + round(seconds * 1000)
        while (due_ms := self.book.next_ms()) is not None and due_ms <= until_ms:
            if self.crashes and self.now_ms >= until_ms:
                break
            # A new leader looks at all that is overdue once more: with crashes, time must go on by itself.
            self.now_ms = min(max(self.now_ms + (1_000 if self.crashes else 0), due_ms), until_ms)
            self.turn()
        self.now_ms = until_ms
        self.turn()

    # What came of it

    def alerts(self, condition: Condition | None = None) -> list[Alert]:
        return [alert for alert in self.record.all_alerts() if condition in {None, alert.condition}]

    def open(self, condition: Condition | None = None) -> list[Alert]:
        return [alert for alert in self.alerts(condition) if alert.state is not AlertState.RESOLVED]

    def told(self, kind: MessageKind | None = None) -> list[AlertMessage]:
        return [message for message in self.record.messages if kind in {None, message.kind}]

    def _new_book(self) -> AlertBook:
        return AlertBook(self.record.load(), lambda: f"id-{next(self.ids):06}")


def _write(rows: dict[str, bytes], changes: Mapping[str, object]) -> None:
    for key, value in changes.items():
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = msgspec.json.encode(value)

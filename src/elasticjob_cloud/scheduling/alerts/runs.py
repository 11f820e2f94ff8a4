"""Runs that wait too long (LATE) or go on too long (STUCK)."""

from collections.abc import Callable
from typing import Final

from elasticjob_cloud.model.alerting.alert import AlertKey, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import RunStarted, RunWaits
from elasticjob_cloud.model.alerting.rule import EffectiveRule
from elasticjob_cloud.scheduling.alerts.ledger import Ledger, Occurrence
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers

_CONDITIONS: Final = (Condition.LATE, Condition.STUCK)
Run = RunWaits | RunStarted


class RunWatch:
    """Knows the runs that wait or go on, and which of them are overdue.

    `usual_ms` tells how long a job's runs take, or 0; `explain` why its next run has not started; `running` which one goes
    on: it may not be known here, if no rule asked for such runs when it started.
    """

    def __init__(
        self,
        rows: AlertRows,
        rules: Rules,
        ledger: Ledger,
        usual_ms: Callable[[str], int],
        explain: Callable[[str], str],
        running: Callable[[str], RunStarted | None],
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._ledger = ledger
        self._usual_ms = usual_ms
        self._explain = explain
        self._running = running
        self.runs: dict[int, Run] = {}
        self._of_job: dict[str, dict[int, None]] = {}
        self._overdue: dict[AlertKey, set[int]] = {}
        self._timers: Timers[int] = Timers()

    def take(self, run: Run, now_ms: int) -> None:
        """A run waits, or started."""
        before = self.runs.get(run.run_id)
        self.runs[run.run_id] = run
        self._of_job.setdefault(run.job_name, {})[run.run_id] = None
        self._set_timer(run)
        if isinstance(before, RunWaits) and isinstance(run, RunStarted):
            self._settle(run, Condition.LATE, now_ms)

    def end(self, run_id: int, now_ms: int) -> None:
        """A run ended, or waits no more."""
        run = self.runs.pop(run_id, None)
        if run is None:
            return
        of_job = self._of_job[run.job_name]
        del of_job[run_id]
        if not of_job:
            del self._of_job[run.job_name]
        self._timers.cancel(run_id)
        for condition in _CONDITIONS:
            self._settle(run, condition, now_ms)

    def forget_job(self, job_name: str, now_ms: int) -> None:
        """A job is gone: what still runs of it is no longer watched."""
        for run_id in list(self._of_job.get(job_name, ())):
            self.end(run_id, now_ms)

    def recheck_job(self, job_name: str, now_ms: int) -> None:
        """A rule of a job changed, or a new leader has told of all runs: judge its runs again."""
        running = self._running(job_name) if self._rules.follows_runs else None
        if running is not None:
            self.take(running, now_ms)
        for run_id in list(self._of_job.get(job_name, ())):
            run = self.runs[run_id]
            due_ms = self._due_ms(run)
            if due_ms is not None and due_ms <= now_ms:
                self._timers.cancel(run_id)
                self._note_overdue(run, now_ms)
            else:
                self._overdue.get(_key_of(run), set()).discard(run_id)
                self._set_timer(run)
        for condition in _CONDITIONS:
            key = AlertKey(condition, job_name)
            if not self._overdue.get(key):
                self._overdue.pop(key, None)
                self._ledger.resolve(key, now_ms, Resolution.NOT_WATCHED)

    def advance(self, now_ms: int, most: int) -> None:
        """Note the runs that are overdue by now."""
        for run_id in self._timers.pop_due(now_ms, most):
            run = self.runs[run_id]
            due_ms = self._due_ms(run)
            if due_ms is None:
                continue
            if due_ms > now_ms:  # its job's usual time has grown
                self._timers.set(run_id, due_ms)
            else:
                self._note_overdue(run, now_ms)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        return self._timers.next_ms()

    def _note_overdue(self, run: Run, now_ms: int) -> None:
        key = _key_of(run)
        overdue = self._overdue.setdefault(key, set())
        if run.run_id in overdue:
            return
        overdue.add(run.run_id)
        alert = self._rows.find_open(key)
        # After a change of leaders the same runs are found overdue once more.
        if alert is None or run.run_id > alert.run_id:
            self._ledger.fire(key, self._occurrence_of(run, now_ms), now_ms)

    def _occurrence_of(self, run: Run, now_ms: int) -> Occurrence:
        if isinstance(run, RunWaits):
            since_ms, where, summary = run.due_ms, "", run.reason or self._explain(run.job_name)
        else:
            since_ms, where, summary = run.started_ms, run.where, ""
        return Occurrence(
            since_ms=since_ms,
            job_name=run.job_name,
            app_name=run.app_name,
            where=where,
            run_id=run.run_id,
            summary=summary,
            value=(now_ms - since_ms) / 1000,
        )

    def _settle(self, run: Run, condition: Condition, now_ms: int) -> None:
        key = AlertKey(condition, run.job_name)
        overdue = self._overdue.get(key)
        if overdue is None or run.run_id not in overdue:
            return
        overdue.discard(run.run_id)
        if not overdue:
            del self._overdue[key]
            self._ledger.resolve(key, now_ms)

    def _set_timer(self, run: Run) -> None:
        due_ms = self._due_ms(run)
        if due_ms is None:
            self._timers.cancel(run.run_id)
        else:
            self._timers.set(run.run_id, due_ms)

    def _due_ms(self, run: Run) -> int | None:
        rule = self._rules.of_job(run.job_name, run.app_name)
        if isinstance(run, RunWaits):
            return None if rule.late_ms is None else run.due_ms + rule.late_ms
        longest_ms = _longest_ms(rule, self._usual_ms(run.job_name))
        return None if longest_ms is None else run.started_ms + longest_ms


def _longest_ms(rule: EffectiveRule, usual_ms: int) -> int | None:
    threshold = rule.conditions[Condition.STUCK]
    if not threshold.enabled:
        return None
    limits = []
    if threshold.seconds is not None:
        limits.append(round(threshold.seconds * 1000))
    if threshold.times is not None and usual_ms:
        limits.append(round(threshold.times * usual_ms))
    return min(limits, default=None)


def _key_of(run: Run) -> AlertKey:
    condition = Condition.LATE if isinstance(run, RunWaits) else Condition.STUCK
    return AlertKey(condition, run.job_name)

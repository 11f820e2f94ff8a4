"""Jobs whose runs fail (RUN_FAILED), that never succeed (NO_SUCCESS), and daemons that restart too often (FLAPPING)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from elasticjob_cloud.model.alerting.alert import AlertKey, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.events import DaemonRestarted, RunEnded, RunOutcome, WatchedJob
from elasticjob_cloud.model.alerting.health import JobHealth, Restart
from elasticjob_cloud.model.alerting.rule import EffectiveRule
from elasticjob_cloud.scheduling.alerts.ledger import Ledger, Occurrence
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers

_DURATIONS: Final = 50  # of which the p95 is a job's usual time
_FEWEST_DURATIONS: Final = 5  # of fewer, none is usual
_MOST_RESTARTS: Final = 1_000  # kept of a job, so of 200 shards where 5 are too often


class Healths:
    """Jobs and their recent past."""

    def __init__(self, rows: AlertRows, rules: Rules, ledger: Ledger, health: Iterable[JobHealth]) -> None:
        self._rows = rows
        self._rules = rules
        self._ledger = ledger
        self.health = {each.job_name: each for each in health}
        self.jobs: dict[str, WatchedJob] = {}
        self._timers: Timers[str] = Timers()  # NO_SUCCESS

    def usual_ms(self, job_name: str) -> int:
        """Give the p95 of a job's last runs, or 0 when too few are known."""
        health = self.health.get(job_name)
        if health is None or len(health.durations_ms) < _FEWEST_DURATIONS:
            return 0
        durations = sorted(health.durations_ms)
        return max(durations[(len(durations) * 95 + 99) // 100 - 1], 1)

    def watch(self, job: WatchedJob, now_ms: int) -> None:
        """A job is registered, changed, enabled or disabled, or a new leader knows it from the record."""
        name = job.job_name
        self.jobs[name] = job
        # A new leader tells of all jobs at once: of most there is nothing to see to.
        if self._rules.follows_runs or name in self.health or name in self._rows.ids_of_jobs:
            self.recheck_job(name, now_ms)

    def forget(self, job_name: str) -> None:
        """A job is gone."""
        self.jobs.pop(job_name, None)
        self._timers.cancel(job_name)
        if self.health.pop(job_name, None) is not None:
            self._rows.changes.health[job_name] = None

    def recheck_job(self, job_name: str, now_ms: int) -> None:
        """A rule of a job changed: wait for a success, or no more."""
        job = self.jobs.get(job_name)
        if job is None:
            return
        rule = self._rules.of_job(job_name, job.app_name)
        key = AlertKey(Condition.NO_SUCCESS, job_name)
        limit_ms = _no_success_ms(rule)
        if limit_ms is None or job.is_disabled:
            self._timers.cancel(job_name)
            if (health := self.health.get(job_name)) is not None and health.success_ms:
                self._put(replace(health, success_ms=0))
            self._ledger.resolve(
                key, now_ms, Resolution.REMOVED if job.is_disabled else Resolution.NOT_WATCHED
            )
            return
        health = self._health_of(job_name)
        if not health.success_ms:
            health = replace(health, success_ms=now_ms)
            self._put(health)
        self._timers.set(job_name, health.success_ms + limit_ms)

    def take_end(self, run: RunEnded, now_ms: int) -> None:
        """A run ended."""
        rule = self._rules.of_job(run.job_name, run.app_name)
        if run.outcome is RunOutcome.FAILED:
            self._take_failure(run, rule, now_ms)
        elif run.outcome is RunOutcome.SUCCEEDED:
            self._take_success(run, rule, now_ms)

    def take_restart(self, restart: DaemonRestarted, now_ms: int) -> None:
        """A daemon's task was started again. Each shard is counted by itself: of many, some may restart now and then."""
        threshold = self._rules.of_job(restart.job_name, restart.app_name).conditions[Condition.FLAPPING]
        if not threshold.enabled or not threshold.restarts or not threshold.minutes:
            return
        health = self._health_of(restart.job_name)
        after_ms = now_ms - round(threshold.minutes * 60_000)
        recent = [each for each in health.restarts if each.time_ms > after_ms]
        of_item = [each for each in recent if each.item == restart.item]
        if not of_item and len({each.item for each in recent}) * threshold.restarts >= _MOST_RESTARTS:
            return  # enough shards are looked at: were all newer ones taken in, none would be seen often enough
        if len(of_item) >= threshold.restarts:
            recent.remove(of_item.pop(0))
        of_item.append(Restart(restart.item, now_ms))
        recent.append(of_item[-1])
        self._put(replace(health, restarts=tuple(recent)))
        alert = self._rows.find_open(AlertKey(Condition.FLAPPING, restart.job_name))
        known = () if alert is None else alert.items
        if len(of_item) >= threshold.restarts or restart.item in known:
            what = _flapping(restart, of_item, known)
            self._ledger.fire(AlertKey(Condition.FLAPPING, restart.job_name), what, now_ms)

    def forget_restarts(self, job_name: str) -> None:
        """A daemon restarts no more."""
        if (health := self.health.get(job_name)) is not None:
            self._put(replace(health, restarts=()))

    def advance(self, now_ms: int, most: int) -> None:
        """Note the jobs that had no success for too long."""
        for job_name in self._timers.pop_due(now_ms, most):
            job, health = self.jobs[job_name], self._health_of(job_name)
            limit_ms = _no_success_ms(self._rules.of_job(job_name, job.app_name))
            key = AlertKey(Condition.NO_SUCCESS, job_name)
            if limit_ms is None or self._rows.find_open(key) is not None:
                continue
            if health.success_ms + limit_ms > now_ms:
                self._timers.set(job_name, health.success_ms + limit_ms)
                continue
            what = Occurrence(
                since_ms=health.success_ms,
                job_name=job_name,
                app_name=job.app_name,
                value=(now_ms - health.success_ms) / 1000,
            )
            self._ledger.fire(key, what, now_ms)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        return self._timers.next_ms()

    def _take_failure(self, run: RunEnded, rule: EffectiveRule, now_ms: int) -> None:
        if not rule.watches(Condition.RUN_FAILED):
            return
        after = rule.conditions[Condition.RUN_FAILED].after or 1
        health = self._health_of(run.job_name)
        since_ms = health.failing_since_ms or run.ended_ms
        failures = min(health.failures + 1, after)  # beyond it, the alert counts: one row less to write
        if failures != health.failures:
            self._put(replace(health, failures=failures, failing_since_ms=since_ms))
        if failures >= after:
            key = AlertKey(Condition.RUN_FAILED, run.job_name)
            is_new = self._rows.find_open(key) is None
            self._ledger.fire(key, _failure(run, since_ms, count=after if is_new else 1), now_ms)

    def _take_success(self, run: RunEnded, rule: EffectiveRule, now_ms: int) -> None:
        failed = self._rows.find_open(AlertKey(Condition.RUN_FAILED, run.job_name))
        if run.rerun_items and failed is not None and not set(failed.items) <= set(run.rerun_items):
            return  # other shards have failed and were not run again: the job is not well
        limit_ms = _no_success_ms(rule)
        is_timed = rule.watches(Condition.STUCK) and rule.conditions[Condition.STUCK].times
        if run.job_name in self.health or limit_ms is not None or is_timed:
            health = replace(self._health_of(run.job_name), failures=0, failing_since_ms=0)
            if is_timed and run.duration_ms > 0:
                durations = (*health.durations_ms, run.duration_ms)[-_DURATIONS:]
                health = replace(health, durations_ms=durations)
            job = self.jobs.get(run.job_name)
            if limit_ms is not None and job is not None and not job.is_disabled:
                health = replace(health, success_ms=run.ended_ms)
                self._timers.set(run.job_name, run.ended_ms + limit_ms)
            self._put(health)
        for condition in (Condition.RUN_FAILED, Condition.NO_SUCCESS):
            self._ledger.resolve(AlertKey(condition, run.job_name), now_ms)

    def _health_of(self, job_name: str) -> JobHealth:
        return self.health.get(job_name) or JobHealth(job_name=job_name)

    def _put(self, health: JobHealth) -> None:
        if self.health.get(health.job_name) == health:
            return
        if health.is_empty:
            if self.health.pop(health.job_name, None) is not None:
                self._rows.changes.health[health.job_name] = None
            return
        self.health[health.job_name] = health
        self._rows.changes.health[health.job_name] = health


def _no_success_ms(rule: EffectiveRule) -> int | None:
    threshold = rule.conditions[Condition.NO_SUCCESS]
    return round(threshold.seconds * 1000) if threshold.enabled and threshold.seconds else None


def _failure(run: RunEnded, since_ms: int, *, count: int) -> Occurrence:
    return Occurrence(
        since_ms=since_ms,
        job_name=run.job_name,
        app_name=run.app_name,
        where=run.where,
        run_id=run.run_id,
        items=run.items,
        summary=run.summary,
        count=count,
    )


def _flapping(restart: DaemonRestarted, of_item: list[Restart], known: tuple[int, ...]) -> Occurrence:
    return Occurrence(
        since_ms=of_item[0].time_ms,
        job_name=restart.job_name,
        app_name=restart.app_name,
        where=restart.where,
        run_id=restart.run_id,
        items=tuple(sorted({*known, restart.item})),
        summary=restart.summary,
        value=len(of_item),
        count=1 if known else len(of_item),
    )

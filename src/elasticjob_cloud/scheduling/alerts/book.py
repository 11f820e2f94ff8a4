"""The book of alerts: told what happens and what time it is, it answers with rows and messages.

It owns the state of alerts, and knows nothing of cron, placement or tasks. It reads no clock: each call has the time, and
alert and message ids come from `new_id`. All that it must not forget is in its rows; its caller commits them in
the turn that made them, and builds a new book from the record when a commit fails.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from elasticjob_cloud.model.alerting.alert import Alert, AlertKey, Resolution
from elasticjob_cloud.model.alerting.changes import AlertChanges, AlertSnapshot
from elasticjob_cloud.model.alerting.conditions import SYSTEM_CONDITIONS, Condition
from elasticjob_cloud.model.alerting.events import (
    DaemonRestarted,
    FiresDropped,
    RunEnded,
    RunStarted,
    RunWaits,
    WatchedJob,
)
from elasticjob_cloud.model.alerting.rule import (
    APP_PREFIX,
    GLOBAL_SCOPE,
    JOB_PREFIX,
    AlertRule,
    EffectiveRule,
)
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.scheduling.alerts.announcer import Announcer
from elasticjob_cloud.scheduling.alerts.clearing import Clearing
from elasticjob_cloud.scheduling.alerts.disks import Disks
from elasticjob_cloud.scheduling.alerts.healths import Healths
from elasticjob_cloud.scheduling.alerts.ledger import Ledger, Occurrence
from elasticjob_cloud.scheduling.alerts.pending import Pending
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.runs import RunWatch

_MOST_A_TURN: Final = 1_000  # things of a kind that are looked at in a turn; the rest in the next ones


class AlertBook:
    """Decides on alerts. A turn: tell what happened, `advance`, `take_changes`, commit."""

    def __init__(
        self,
        snapshot: AlertSnapshot,
        new_id: Callable[[], str],
        explain: Callable[[str], str] = lambda _job_name: "",
        running: Callable[[str], RunStarted | None] = lambda _job_name: None,
    ) -> None:
        """Begin from the record.

        `explain` says why a job's next run has not started; `running` gives the run of a job that goes on.
        """
        self._rules = Rules(snapshot.rules)
        self._rows = AlertRows(snapshot.alerts)
        self._announcer = Announcer(self._rows, self._rules, snapshot.silences, new_id)
        self._ledger = Ledger(self._rows, self._rules, self._announcer, new_id)
        self._healths = Healths(self._rows, self._rules, self._ledger, snapshot.health)
        self._runs = RunWatch(self._rows, self._rules, self._ledger, self._healths.usual_ms, explain, running)
        self._clearing = Clearing(self._rows, self._rules, self._ledger, self._note_cleared)
        self._pending = Pending(self._rows, self._rules, self._ledger, self._healths.jobs)
        self._disks = Disks(self._rows, self._rules, self._ledger)
        self._to_recheck: deque[str] = deque()
        self._parts = (
            self._runs,
            self._healths,
            self._clearing,
            self._pending,
            self._disks,
            self._announcer,
        )

    # Time

    def advance(self, now_ms: int) -> None:
        """Do what is due by now: the last thing in each turn."""
        for _ in range(min(_MOST_A_TURN, len(self._to_recheck))):
            self._recheck_job(self._to_recheck.popleft(), now_ms)
        for part in self._parts:
            part.advance(now_ms, _MOST_A_TURN)

    def next_ms(self) -> int | None:
        """Give when `advance` is due again; 0 for at once, None while nothing waits."""
        if self._to_recheck:
            return 0
        return min((due_ms for part in self._parts if (due_ms := part.next_ms()) is not None), default=None)

    def take_changes(self) -> AlertChanges:
        """Give the rows of this turn."""
        return self._rows.take_changes()

    def taken_over(self, now_ms: int) -> None:
        """A new leader has told of all jobs, and of all runs that wait or go on: settle what the record left open."""
        for alert in list(self._rows.live.values()):
            if not alert.is_open:
                self._announcer.consider(alert.alert_id, now_ms)
            elif alert.job_name and alert.job_name not in self._healths.jobs:
                self._ledger.resolve(alert.key, now_ms, Resolution.REMOVED)
            else:  # the last leader may not have come to what a new rule says
                self._recheck_alert(alert, self._rules.of_alert(alert), now_ms)
        self._disks.wait_again(now_ms)
        for condition in (Condition.LATE, Condition.STUCK):
            for alert in self._rows.open_of(condition):
                self._runs.recheck_job(alert.job_name, now_ms)

    # What people do

    def put_rule(self, scope: str, rule: AlertRule | None, now_ms: int) -> None:
        """Set the rule of a scope (`global`, `app:NAME`, `job:NAME`), or take it away."""
        self._rules.put(scope, rule)
        self._rows.changes.rules[scope] = rule
        self._to_recheck.extend(self._jobs_of(scope))
        self._pending.recheck(now_ms)
        if scope == GLOBAL_SCOPE:
            for condition in SYSTEM_CONDITIONS:
                for alert in self._rows.open_of(condition):
                    self._recheck_alert(alert, self._rules.of_system(), now_ms)

    def drop_rule(self, scope: str, now_ms: int) -> None:
        """Take the rule of a scope away, if it has one."""
        if self._rules.has(scope):
            self.put_rule(scope, None, now_ms)

    def put_silence(self, silence: Silence, now_ms: int) -> None:
        """Hold back messages."""
        self._announcer.put_silence(silence, now_ms)
        self._rows.changes.silences[silence.silence_id] = silence

    def drop_silence(self, silence_id: str, now_ms: int) -> bool:
        """End a silence before its time. False: there is none of this id, or it ended."""
        is_known = self._announcer.drop_silence(silence_id, now_ms)
        if is_known:
            self._rows.changes.silences[silence_id] = None
        return is_known

    def acknowledge(self, alert_id: str, by: str, now_ms: int) -> bool:
        """Note that somebody knows of an alert. False: there is no such alert, or it is over."""
        return self._ledger.acknowledge(alert_id, by, now_ms)

    # Jobs and runs

    def watch_job(self, job: WatchedJob, now_ms: int) -> None:
        """A job is registered, changed, enabled or disabled; at a takeover: it is there."""
        self._healths.watch(job, now_ms)

    def forget_job(self, job_name: str, now_ms: int) -> None:
        """A job is deregistered: its alerts are over, and its rule goes with it."""
        self._healths.forget(job_name)
        self.drop_rule(JOB_PREFIX + job_name, now_ms)
        self._pending.end(AlertKey(Condition.UNPLACEABLE, job_name), now_ms)
        for alert in self._rows.open_of_job(job_name):
            self._ledger.resolve(alert.key, now_ms, Resolution.REMOVED)
        self._runs.forget_job(job_name, now_ms)

    def asks_for(self, run_id: int, job_name: str) -> bool:
        """Tell whether it must hear that a run started or succeeded. Most do so without any alert: it costs nothing then."""
        return (
            self._rules.follows_runs
            or run_id in self._runs.runs
            or job_name in self._healths.health
            or job_name in self._rows.ids_of_jobs
        )

    def run_waits(self, run: RunWaits, now_ms: int) -> None:
        """A run waits. A run that starts in the turn of its fire need not be told."""
        self._runs.take(run, now_ms)

    def run_started(self, run: RunStarted, now_ms: int) -> None:
        """A run started. Not told of daemons: theirs never end."""
        self._runs.take(run, now_ms)

    def run_gone(self, run_id: int, now_ms: int) -> None:
        """A run that waited was dropped."""
        self._runs.end(run_id, now_ms)

    def run_ended(self, run: RunEnded, now_ms: int) -> None:
        """A run ended, or one execution of a daemon job."""
        self._runs.end(run.run_id, now_ms)
        self._healths.take_end(run, now_ms)

    def fires_dropped(self, fires: FiresDropped, now_ms: int) -> None:
        """Fires were dropped: misfired, or the queue was full."""
        if not self._rules.of_job(fires.job_name, fires.app_name).watches(Condition.DROPPED):
            return
        what = Occurrence(
            since_ms=fires.due_ms,
            job_name=fires.job_name,
            app_name=fires.app_name,
            run_id=fires.run_id,
            summary=fires.reason,
            value=fires.count,
            count=fires.count,
        )
        self._fire_clearing(AlertKey(Condition.DROPPED, fires.job_name), what, now_ms)

    @property
    def has_unplaceable(self) -> bool:
        """Whether jobs are known that no agent could hold."""
        return self._pending.has_unplaceable

    def put_unplaceable(self, reasons: Mapping[str, str], now_ms: int) -> None:
        """Take all jobs that no present agent could ever hold, each with the reason. Not before agents had time to join."""
        self._pending.put_unplaceable(reasons, now_ms)

    def daemon_restarted(self, restart: DaemonRestarted, now_ms: int) -> None:
        """A daemon's task was started again."""
        self._healths.take_restart(restart, now_ms)
        self._clearing.wait(AlertKey(Condition.FLAPPING, restart.job_name))

    # The system

    def agent_lost(self, host: str, reason: str, now_ms: int) -> None:
        """An agent is gone that was not asked to go."""
        self._fire_system(Condition.AGENT_LOST, host, now_ms, where=host, summary=reason)

    def agent_left(self, agent_id: str, now_ms: int) -> None:
        """An agent is gone, for whatever reason: nobody measures its disks any more."""
        self._disks.agent_left(agent_id, now_ms)

    def agent_came(self, host: str, now_ms: int) -> None:
        """An agent is there."""
        self._ledger.resolve(AlertKey(Condition.AGENT_LOST, host), now_ms)
        self._pending.end(AlertKey(Condition.NO_AGENT, ""), now_ms)

    def no_agent(self, now_ms: int) -> None:
        """There is no agent (left). A new leader tells it too, until the first one joins."""
        self._pending.begin(AlertKey(Condition.NO_AGENT, ""), Occurrence(since_ms=now_ms), now_ms)

    def clock_jumped(self, by_ms: int, now_ms: int) -> None:
        """The wall clock jumped by so much against the monotonic one."""
        if by_ms < 0:
            self._announcer.hasten(now_ms)
        self._disks.wait_again(now_ms)
        self._fire_system(Condition.CLOCK_JUMP, "", now_ms, value=by_ms / 1000)

    @property
    def slow_commit_ms(self) -> int | None:
        """How long a commit takes that is to be told; None: none is."""
        rule = self._rules.of_system()
        seconds = rule.conditions[Condition.DATABASE_SLOW].seconds
        is_on = seconds is not None and rule.watches(Condition.DATABASE_SLOW)
        return round((seconds or 0) * 1000) if is_on else None

    def database_took(self, took_ms: int, now_ms: int) -> None:
        """A commit took so long."""
        limit_ms = self.slow_commit_ms
        if limit_ms is not None and took_ms >= limit_ms:
            self._fire_system(Condition.DATABASE_SLOW, "", now_ms, value=took_ms / 1000)

    def disk_measured(self, by: str, host: str, disk: Disk, now_ms: int) -> None:
        """So much of a disk of a host is free. `by`: the id of the agent that measured it; empty: the scheduler did."""
        self._disks.measured(by, host, disk, now_ms)

    def _fire_system(
        self,
        condition: Condition,
        subject: str,
        now_ms: int,
        *,
        where: str = "",
        summary: str = "",
        value: float = 0,
    ) -> None:
        if self._rules.of_system().watches(condition):
            what = Occurrence(since_ms=now_ms, where=where, summary=summary, value=value)
            self._fire_clearing(AlertKey(condition, subject), what, now_ms)

    def _fire_clearing(self, key: AlertKey, what: Occurrence, now_ms: int) -> None:
        self._ledger.fire(key, what, now_ms)
        self._clearing.wait(key)

    def _note_cleared(self, alert: Alert) -> None:
        if alert.condition is Condition.FLAPPING:
            self._healths.forget_restarts(alert.job_name)

    def _jobs_of(self, scope: str) -> list[str]:
        jobs = self._healths.jobs
        if scope.startswith(JOB_PREFIX):
            return [name] if (name := scope.removeprefix(JOB_PREFIX)) in jobs else []
        if scope.startswith(APP_PREFIX):
            app_name = scope.removeprefix(APP_PREFIX)
            return [job.job_name for job in jobs.values() if job.app_name == app_name]
        return list(jobs)

    def _recheck_job(self, job_name: str, now_ms: int) -> None:
        job = self._healths.jobs.get(job_name)
        if job is None:  # deregistered meanwhile
            return
        rule = self._rules.of_job(job_name, job.app_name)
        for alert in self._rows.open_of_job(job_name):
            self._recheck_alert(alert, rule, now_ms)
        self._runs.recheck_job(job_name, now_ms)
        self._healths.recheck_job(job_name, now_ms)

    def _recheck_alert(self, alert: Alert, rule: EffectiveRule, now_ms: int) -> None:
        if rule.watches(alert.condition):
            self._clearing.recheck(alert)
            self._announcer.consider(alert.alert_id, now_ms)
        else:
            self._ledger.resolve(alert.key, now_ms, Resolution.NOT_WATCHED)

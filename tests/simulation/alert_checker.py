"""Holds the rows and messages of alerts against what docs/alerts.md promises, at each commit and at the end (promise 13)."""

from collections import Counter

from elasticjob_cloud.model.alerting.alert import Alert, AlertKey, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import (
    APP_PREFIX,
    GLOBAL_SCOPE,
    JOB_PREFIX,
    EffectiveRule,
    effective_rule,
)
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.messages import host_in_agent_id
from elasticjob_cloud.model.records import Changes, FireRecord
from tests.simulation.store_model import MemoryStore

_LONGEST_GROUP_MS = 60_000  # for so long a message may wait for others to go with it
_MOST_A_TURN = 1_000  # runs that the book looks at in a turn
_LOST_WITH_AGENT = "Its agent is gone: "
_TOLD_ONCE = (MessageKind.FIRE, MessageKind.RESOLVE)


class AlertChecker:
    """Raises AssertionError as soon as a promise of alerts is broken."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._open: dict[AlertKey, str] = {}
        self._told: dict[MessageKind, Counter[str]] = {kind: Counter() for kind in _TOLD_ONCE}
        self._in_a_row: Counter[str] = Counter()  # failed runs of a job, under the rules of now
        self._rules: dict[tuple[str, str], EffectiveRule] = {}
        self._fires: dict[int, FireRecord] = {}  # those that wait or run
        self._asked_to_go: set[str] = set()

    def turn_committed(self, changes: Changes, now_ms: int | None) -> None:
        """Look at a turn; `now_ms`: its time, where that is known exactly."""
        for alert in changes.alerts.alerts.values():
            self._note_alert(alert)
        self._note_messages(changes)
        if changes.alerts.rules:
            self._in_a_row.clear()
            self._rules.clear()
        for fire in changes.fires.values():
            self._note_fire(fire, changes)
        self._check_lost_agents(changes)
        for name, job in changes.jobs.items():
            if job is None:
                self._in_a_row.pop(name, None)
        self._check_jobs()
        if now_ms is not None:
            self._check_runs_that_take_long(now_ms)

    def agent_drains(self, agent_id: str) -> None:
        """An agent was asked to go: it is not lost when it does."""
        self._asked_to_go.add(agent_id)

    def check_end(self, last_turn_ms: int) -> None:
        """After a long calm."""
        for alert in self._store.alerts.values():
            told = {kind: counts[alert.alert_id] for kind, counts in self._told.items()}
            is_told = bool(alert.announced_ms)
            is_over = is_told and alert.state is AlertState.RESOLVED
            assert told[MessageKind.FIRE] == is_told, f"promise 13: {alert} was told {told}"
            is_grouped = alert.is_live and alert.resolved_ms > last_turn_ms - _LONGEST_GROUP_MS
            is_told_of_end = told[MessageKind.RESOLVE] == is_over
            assert is_told_of_end or is_grouped, f"promise 13: the end of {alert} was told {told}"

    def _note_alert(self, alert: Alert) -> None:
        known = self._open.get(alert.key)
        if alert.is_open:
            assert known in {None, alert.alert_id}, f"promise 13: {alert} fires, and {known} is open"
            self._open[alert.key] = alert.alert_id
        elif known == alert.alert_id:
            del self._open[alert.key]

    def _note_messages(self, changes: Changes) -> None:
        for message in changes.alerts.messages:
            if message.kind not in _TOLD_ONCE:
                continue
            counts = self._told[message.kind]
            for alert in message.alerts:
                counts[alert.alert_id] += 1
                told = counts[alert.alert_id]
                assert told == 1, f"promise 13: {message.kind} of {alert} was told twice"

    def _note_fire(self, fire: FireRecord, changes: Changes) -> None:
        if fire.state in {FireState.WAITING, FireState.RUNNING}:
            self._fires[fire.fire_id] = fire
            return
        self._fires.pop(fire.fire_id, None)
        is_watched = fire.source is not FireSource.DAEMON and fire.job_name in self._store.jobs
        if fire.state is FireState.COMPLETED and is_watched and fire.job_name not in changes.jobs:
            self._note_end(fire, changes)

    def _note_end(self, fire: FireRecord, changes: Changes) -> None:
        job_name = fire.job_name
        if fire.run_state is RunState.SUCCEEDED:
            failed = self._alert_of(Condition.RUN_FAILED, job_name)
            if fire.items and failed is not None and not set(failed.items) <= set(fire.items):
                return  # it ran some of the shards that failed
            self._in_a_row[job_name] = 0
            for condition in (Condition.RUN_FAILED, Condition.NO_SUCCESS):
                alert = self._alert_of(condition, job_name)
                assert alert is None, f"promise 13: {fire} succeeded, and {alert} is open"
        elif fire.run_state is RunState.FAILED:
            self._in_a_row[job_name] += 1
            rule = self._rule_of(job_name)
            after = rule.conditions[Condition.RUN_FAILED].after or 1
            must_fire = rule.watches(Condition.RUN_FAILED) and self._in_a_row[job_name] >= after
            if must_fire and not changes.alerts.rules:
                alert = self._alert_of(Condition.RUN_FAILED, job_name)
                assert alert is not None, f"promise 13: {fire} failed, and there is no alert"
                assert alert.run_id == fire.fire_id, f"promise 13: {fire} failed, and {alert} does not say so"

    def _check_lost_agents(self, changes: Changes) -> None:
        """An agent that took tasks with it is an alert, also when nobody led while it went."""
        lost = {it.slave_id for it in changes.status_traces if it.message.startswith(_LOST_WITH_AGENT)}
        if not lost or GLOBAL_SCOPE in changes.alerts.rules:
            return
        if not effective_rule(self._store.alert_rules.get(GLOBAL_SCOPE)).watches(Condition.AGENT_LOST):
            return
        told = {it.where for it in changes.alerts.alerts.values() if it.condition is Condition.AGENT_LOST}
        for agent_id in lost - self._asked_to_go:
            assert host_in_agent_id(agent_id) in told, f"promise 13: {agent_id} was lost, untold"

    def _check_jobs(self) -> None:
        for key in self._open:
            is_known = not key.condition.is_of_job or key.subject in self._store.jobs
            assert is_known, f"promise 13: {key} is open, and there is no such job"

    def _check_runs_that_take_long(self, now_ms: int) -> None:
        if len(self._fires) > _MOST_A_TURN:
            return  # some may have to wait for the next turn
        late, stuck = set(), set()
        for fire in self._fires.values():
            if fire.job_name not in self._store.jobs:
                continue
            rule = self._rule_of(fire.job_name)
            if fire.state is FireState.WAITING:
                if _is_over(rule, Condition.LATE, now_ms - fire.due_ms):
                    late.add(fire.job_name)
            elif fire.source is not FireSource.DAEMON and _is_over(
                rule, Condition.STUCK, now_ms - fire.started_ms
            ):
                stuck.add(fire.job_name)
        waiting = {it.job_name for it in self._fires.values() if it.state is FireState.WAITING}
        running = {it.job_name for it in self._fires.values() if it.state is FireState.RUNNING}
        for condition, overdue, there in (
            (Condition.LATE, late, waiting),
            (Condition.STUCK, stuck, running),
        ):
            for job_name in overdue:
                assert self._alert_of(condition, job_name), f"promise 13: {job_name} is {condition}, untold"
            for key in self._open:
                is_so = key.condition is not condition or key.subject in there
                assert is_so, f"promise 13: {key} is open, and no run is"

    def _alert_of(self, condition: Condition, job_name: str) -> Alert | None:
        alert_id = self._open.get(AlertKey(condition, job_name))
        return None if alert_id is None else self._store.alerts[alert_id]

    def _rule_of(self, job_name: str) -> EffectiveRule:
        app_name = self._store.jobs[job_name].configuration.app_name
        key = (job_name, app_name)
        if key not in self._rules:
            scopes = (JOB_PREFIX + job_name, APP_PREFIX + app_name, GLOBAL_SCOPE)
            self._rules[key] = effective_rule(*(self._store.alert_rules.get(scope) for scope in scopes))
        return self._rules[key]


def _is_over(rule: EffectiveRule, condition: Condition, for_ms: int) -> bool:
    seconds = rule.conditions[condition].seconds
    return rule.watches(condition) and seconds is not None and for_ms >= seconds * 1000

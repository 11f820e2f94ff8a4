"""Holds the rows and messages of alerts against what docs/alerts.md promises, at each commit and at the end (promise 13)."""

import heapq
from collections import Counter
from collections.abc import Iterator

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
_NEVER_MS = 1 << 60  # daemon runs take as long as they like
_TOLD_ONCE = (MessageKind.FIRE, MessageKind.RESOLVE)


class AlertChecker:
    """Raises AssertionError as soon as a promise of alerts is broken."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._open: dict[AlertKey, str] = {}
        self._told: dict[MessageKind, Counter[str]] = {kind: Counter() for kind in _TOLD_ONCE}
        self._in_a_row: Counter[str] = Counter()  # failed runs of a job, under the rules of now
        self._rules: dict[tuple[str, str], EffectiveRule] = {}
        self._asked_to_go: set[str] = set()
        self._waiting = _OpenRuns()
        self._running = _OpenRuns()

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
        self._waiting.drop(fire)
        self._running.drop(fire)
        if fire.state is FireState.WAITING:
            self._waiting.add(fire, fire.due_ms)
            return
        if fire.state is FireState.RUNNING:
            self._running.add(fire, _NEVER_MS if fire.source is FireSource.DAEMON else fire.started_ms)
            return
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
        if len(self._waiting) + len(self._running) > _MOST_A_TURN:
            return  # some may have to wait for the next turn
        for condition, runs in ((Condition.LATE, self._waiting), (Condition.STUCK, self._running)):
            for job_name, since_ms in runs.earliest():
                if job_name not in self._store.jobs:
                    continue
                if _is_over(self._rule_of(job_name), condition, now_ms - since_ms):
                    assert self._alert_of(condition, job_name), (
                        f"promise 13: {job_name} is {condition}, untold"
                    )
            for key in self._open:
                is_so = key.condition is not condition or key.subject in runs
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


class _OpenRuns:
    """Runs that wait, or those that run, by job: since when the first of each does, without a look at all of them."""

    def __init__(self) -> None:
        self._since_ms: dict[int, int] = {}
        self._count_of: Counter[str] = Counter()
        self._of_job: dict[str, list[tuple[int, int]]] = {}  # heaps of since when and run; some are over

    def __len__(self) -> int:
        return len(self._since_ms)

    def __contains__(self, job_name: str) -> bool:
        return self._count_of[job_name] > 0

    def add(self, fire: FireRecord, since_ms: int) -> None:
        """Add one that is not here."""
        self._since_ms[fire.fire_id] = since_ms
        self._count_of[fire.job_name] += 1
        heapq.heappush(self._of_job.setdefault(fire.job_name, []), (since_ms, fire.fire_id))

    def drop(self, fire: FireRecord) -> None:
        """Forget one, if it is here."""
        if self._since_ms.pop(fire.fire_id, None) is not None:
            self._count_of[fire.job_name] -= 1

    def earliest(self) -> Iterator[tuple[str, int]]:
        """Give since when the first run of each job does so."""
        for job_name, heap in list(self._of_job.items()):
            while heap and self._since_ms.get(heap[0][1]) != heap[0][0]:
                heapq.heappop(heap)
            if heap:
                yield job_name, heap[0][0]
            else:
                del self._of_job[job_name]


def _is_over(rule: EffectiveRule, condition: Condition, for_ms: int) -> bool:
    seconds = rule.conditions[condition].seconds
    return rule.watches(condition) and seconds is not None and for_ms >= seconds * 1000

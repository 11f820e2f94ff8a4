"""A store in memory that also keeps all that was ever written, for the checker."""

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.changes import AlertSnapshot
from elasticjob_cloud.model.alerting.health import JobHealth
from elasticjob_cloud.model.alerting.message import AlertMessage
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.records import (
    AppRecord,
    Changes,
    ExecutionTrace,
    FailoverKey,
    FailoverRecord,
    FireRecord,
    JobRecord,
    ScheduleSpans,
    Snapshot,
    StatusTrace,
    TaskRecord,
)


class MemoryStore:
    """Keeps the store's contract for `load` and `commit`, without a disk."""

    def __init__(self) -> None:
        self.apps: dict[str, AppRecord] = {}
        self.jobs: dict[str, JobRecord] = {}
        self.schedules: dict[str, int] = {}
        self.spans: dict[str, ScheduleSpans] = {}
        self.sequences: dict[str, int] = {}
        self.fires: dict[int, FireRecord] = {}
        self.tasks: dict[str, TaskRecord] = {}
        self.failovers: dict[FailoverKey, FailoverRecord] = {}
        self.all_tasks: dict[str, TaskRecord] = {}
        self.status_traces: list[StatusTrace] = []
        self.executions: list[ExecutionTrace] = []
        self.load_mark = 0
        self.alerts: dict[str, Alert] = {}
        self.alert_health: dict[str, JobHealth] = {}
        self.alert_rules: dict[str, AlertRule] = {}
        self.silences: dict[str, Silence] = {}
        self.alert_messages: list[AlertMessage] = []

    def load(self) -> Snapshot:
        """Give what a new core starts from."""
        live = (FireState.WAITING, FireState.RUNNING)
        return Snapshot(
            apps=dict(self.apps),
            jobs=dict(self.jobs),
            schedules=dict(self.schedules),
            spans=dict(self.spans),
            sequences=dict(self.sequences),
            fires=[fire for fire in self.fires.values() if fire.state in live],
            tasks=list(self.tasks.values()),
            failovers=list(self.failovers.values()),
            next_fire_id=max(self.fires, default=0) + 1,
            load_mark=self.load_mark,
            idempotency_keys={
                (fire.job_name, fire.idempotency_key): (fire.fire_id, fire.recorded_ms)
                for fire in self.fires.values()
                if fire.idempotency_key
            },
            alerts=AlertSnapshot(
                rules=dict(self.alert_rules),
                silences=list(self.silences.values()),
                health=list(self.alert_health.values()),
                alerts=[alert for alert in self.alerts.values() if alert.is_live],
            ),
        )

    def commit(self, changes: Changes) -> None:
        """Write all rows of a turn."""
        for table, rows in (
            (self.apps, changes.apps),
            (self.jobs, changes.jobs),
            (self.schedules, changes.schedules),
            (self.spans, changes.spans),
            (self.sequences, changes.sequences),
            (self.tasks, changes.tasks),
            (self.failovers, changes.failovers),
            (self.alerts, changes.alerts.alerts),
            (self.alert_health, changes.alerts.health),
            (self.alert_rules, changes.alerts.rules),
            (self.silences, changes.alerts.silences),
        ):
            if rows:
                _apply(table, rows)  # type: ignore[arg-type]  # one loop over tables of different rows
        for fire in changes.fires.values():
            before = self.fires.get(fire.fire_id)
            assert before is None or before.state in {FireState.WAITING, FireState.RUNNING}, (
                f"{fire} was {before}"
            )
            self.fires[fire.fire_id] = fire
        self.all_tasks.update({name: task for name, task in changes.tasks.items() if task is not None})
        self.status_traces.extend(changes.status_traces)
        self.executions.extend(changes.executions)
        self.alert_messages.extend(changes.alerts.messages)


def _apply(table: dict[object, object], rows: dict[object, object]) -> None:
    for key, row in rows.items():
        if row is None:
            table.pop(key, None)
        else:
            table[key] = row

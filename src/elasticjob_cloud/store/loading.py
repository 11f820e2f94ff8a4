"""What a new leader starts from."""

from typing import Final

from sqlalchemy import Connection, func, select, text

from elasticjob_cloud.model.records import IdempotencyKey, Snapshot
from elasticjob_cloud.store import rows, tables, terms
from elasticjob_cloud.store.alerts.loading import load_alerts
from elasticjob_cloud.store.commit import NEXT_FIRE_ID

_KEYS_HOLD_MS: Final = 86_400_000


def load_snapshot(connection: Connection) -> Snapshot:
    live_fires = select(tables.fire).where(text(tables.LIVE_FIRE)).order_by(tables.fire.c.fire_id)
    return Snapshot(
        apps={row[0]: rows.app_record(row) for row in connection.execute(select(tables.app))},
        jobs={row[0]: rows.job_record(row) for row in connection.execute(select(tables.job))},
        schedules={row[0]: row[1] for row in connection.execute(select(tables.schedule))},
        spans={row[0]: rows.spans_of(row) for row in connection.execute(select(tables.schedule_span))},
        sequences={row[0]: row[1] for row in connection.execute(select(tables.agent_sequence))},
        fires=[rows.fire_record(row) for row in connection.execute(live_fires)],
        tasks=[
            rows.task_record(row)
            for row in connection.execute(select(tables.task).order_by(tables.task.c.task_id))
        ],
        failovers=[
            rows.failover_record(row)
            for row in connection.execute(
                select(tables.failover).order_by(tables.failover.c.fire_id, tables.failover.c.item)
            )
        ],
        next_fire_id=_next_fire_id(connection),
        load_mark=terms.load_mark(connection),
        idempotency_keys=_idempotency_keys(connection),
        alerts=load_alerts(connection),
    )


def _idempotency_keys(connection: Connection) -> dict[IdempotencyKey, tuple[int, int]]:
    """Give the latest fire of each key that may still hold. Which do, the core decides by its own clock."""
    fire = tables.fire.c
    has_key = text(tables.HAS_KEY)
    latest = select(func.max(fire.recorded_ms)).where(has_key).scalar_subquery()
    found = connection.execute(
        select(fire.job_name, fire.idempotency_key, fire.fire_id, fire.recorded_ms)
        .where(has_key, fire.recorded_ms >= latest - _KEYS_HOLD_MS)
        .order_by(fire.fire_id)
    )
    return {(row.job_name, row.idempotency_key): (row.fire_id, row.recorded_ms) for row in found}


def _next_fire_id(connection: Connection) -> int:
    value = connection.execute(
        select(tables.counter.c.value).where(tables.counter.c.name == NEXT_FIRE_ID)
    ).scalar_one()
    highest = connection.execute(select(func.max(tables.fire.c.fire_id))).scalar()
    return max(int(value), int(highest or 0) + 1)

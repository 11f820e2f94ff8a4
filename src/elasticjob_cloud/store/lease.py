"""The leader's lease: one row, judged by the database's clock alone. Whatever writes wants a transaction of the writer."""

from typing import Final

from sqlalchemy import BindParameter, Connection, Select, delete, literal_column, select, update

from elasticjob_cloud.model.lineage import BegunTerm
from elasticjob_cloud.store import tables, terms
from elasticjob_cloud.store.contract import SchedulerRow
from elasticjob_cloud.store.databases.database import Database

NOBODY: Final = ""
_ROW: Final = tables.lease.c.id == literal_column("1")
# A standby asks for the lease several times while it lasts; one that was silent for this many is gone.
_LEASES_UNTIL_FORGOTTEN: Final = 3


def must_wait(
    connection: Connection, database: Database, scheduler_id: str, address: str, lease_seconds: float
) -> bool:
    """Tell whether another leads, and knows of this scheduler: then there is nothing to write. Wants no writer."""
    found = connection.execute(
        select(
            tables.lease.c.scheduler_id,
            tables.lease.c.expires_ms,
            tables.scheduler.c.forget_ms,
            database.now_ms().label("now_ms"),
        )
        .join_from(
            tables.lease,
            tables.scheduler,
            (tables.scheduler.c.scheduler_id == scheduler_id) & (tables.scheduler.c.address == address),
        )
        .where(_ROW)
    ).first()
    if found is None or found.scheduler_id in {NOBODY, scheduler_id} or found.expires_ms <= found.now_ms:
        return False
    return bool(found.forget_ms > _forget_ms(found.now_ms, lease_seconds) - _milliseconds(lease_seconds))


def acquire(
    connection: Connection,
    database: Database,
    scheduler_id: str,
    address: str,
    lease_seconds: float,
    *,
    steal: bool,
) -> int | None:
    # Only who may lead waits for the lease's lock: a leader that froze may have it for longer than its lease lasts.
    seeks = steal or not _another_leads(connection, database, scheduler_id)
    epoch = _lock(connection, database) if seeks else None
    # The clock is read after the wait: a commit of the leader's, or another who seeks the lead, may take its time.
    now_ms = read_clock(connection, database)
    _remember(connection, database, scheduler_id, address, now_ms, lease_seconds)
    if epoch is None or (not steal and _another_leads(connection, database, scheduler_id)):
        return None
    new_epoch = epoch + 1
    connection.execute(
        update(tables.lease)
        .where(_ROW)
        .values(epoch=new_epoch, scheduler_id=scheduler_id, expires_ms=now_ms + _milliseconds(lease_seconds))
    )
    terms.begin(connection, new_epoch)
    return new_epoch


def renew(
    connection: Connection, database: Database, epoch: int, lease_seconds: float, renewals: int
) -> bool:
    holder = _holder(connection, epoch)
    if holder is None:
        return False
    now_ms = read_clock(connection, database)
    connection.execute(
        update(tables.lease)
        .where(_ROW)
        .values(expires_ms=now_ms + _milliseconds(lease_seconds), renewals=renewals)
    )
    connection.execute(
        update(tables.scheduler)
        .where(tables.scheduler.c.scheduler_id == holder)
        .values(forget_ms=_forget_ms(now_ms, lease_seconds))
    )
    return True


def agree_on_lost(connection: Connection, epoch: int, seconds: float) -> float | None:
    """See `Store.agree_on_lost_seconds`."""
    if not holds(connection, epoch):
        return None
    before_ms = connection.execute(select(tables.lease.c.lost_ms).where(_ROW)).scalar_one()
    runs_something = connection.execute(select(tables.task.c.task_id).limit(1)).first() is not None
    lost_ms = max(_milliseconds(seconds), before_ms if runs_something else 0)
    if lost_ms != before_ms:
        connection.execute(update(tables.lease).where(_ROW).values(lost_ms=lost_ms))
    return lost_ms / 1000


def release(connection: Connection, epoch: int) -> None:
    holder = _holder(connection, epoch)
    if holder is not None:
        connection.execute(update(tables.lease).where(_ROW).values(scheduler_id=NOBODY, expires_ms=0))
        connection.execute(delete(tables.scheduler).where(tables.scheduler.c.scheduler_id == holder))


def give_back(connection: Connection, epoch: int) -> None:
    """Have the lease of a term in which nothing was done be as if it had not been taken."""
    if not holds(connection, epoch):
        return
    release(connection, epoch)
    terms.take_back(connection, epoch)
    connection.execute(update(tables.lease).where(_ROW).values(epoch=epoch - 1))


def begin_term(connection: Connection, epoch: int) -> BegunTerm | None:
    """See `Store.begin_term`."""
    return terms.mark_load(connection, epoch) if holds(connection, epoch) else None


def holder_query(epoch: int | BindParameter[int]) -> Select[str]:
    """Give the question who leads with this epoch: no row when nobody does (any more).

    The row stays as it is until the transaction ends: SQLite lets one writer in at a time, others lock the row.
    """
    holder = tables.lease.c.scheduler_id
    query = select(holder).where(_ROW, tables.lease.c.epoch == epoch, holder != literal_column("''"))
    return query.with_for_update()


def holds(connection: Connection, epoch: int) -> bool:
    """Tell whether this epoch is the leader's, and let nobody change that before the transaction ends."""
    return _holder(connection, epoch) is not None


def is_of(connection: Connection, epoch: int) -> bool:
    """Tell whether this epoch is the leader's at the moment. Wants no writer."""
    row = tables.lease.c
    found = connection.execute(select(row.epoch).where(_ROW, row.epoch == epoch, row.scheduler_id != NOBODY))
    return found.first() is not None


def hold(connection: Connection) -> None:
    """Let nobody take the lead before the transaction ends, whoever leads.

    For whatever writes without asking who leads: should it freeze, those who seek the lead find it at this lock, and
    end it (`Database.end_stuck_leaders`).
    """
    connection.execute(select(tables.lease.c.epoch).where(_ROW).with_for_update(read=True))


def _holder(connection: Connection, epoch: int) -> str | None:
    holder = connection.execute(holder_query(epoch)).scalar()
    return None if holder is None else str(holder)


def schedulers(connection: Connection, database: Database) -> list[SchedulerRow]:
    now_ms = read_clock(connection, database)
    lease = connection.execute(select(tables.lease).where(_ROW)).one()
    present = connection.execute(
        select(tables.scheduler.c.scheduler_id, tables.scheduler.c.address)
        .where(tables.scheduler.c.forget_ms > now_ms)
        .order_by(tables.scheduler.c.scheduler_id)
    )
    rows = []
    for scheduler_id, address in present:
        leads = scheduler_id == lease.scheduler_id and now_ms < lease.expires_ms
        rows.append(SchedulerRow(scheduler_id, address, leads, lease.epoch if leads else 0))
    return rows


def leader(connection: Connection, database: Database) -> SchedulerRow | None:
    found = connection.execute(
        select(tables.scheduler.c.scheduler_id, tables.scheduler.c.address, tables.lease.c.epoch)
        .join(tables.lease, tables.lease.c.scheduler_id == tables.scheduler.c.scheduler_id)
        .where(_ROW, tables.lease.c.expires_ms > database.now_ms())
    ).first()
    if found is None:
        return None
    return SchedulerRow(found.scheduler_id, found.address, leader=True, epoch=found.epoch)


def cluster_of(connection: Connection, scheduler_id: str) -> str | None:
    """Give which cluster a scheduler has noted; None for one that is not known."""
    scheduler = tables.scheduler.c
    return connection.execute(
        select(scheduler.cluster_id).where(scheduler.scheduler_id == scheduler_id)
    ).scalar()


def note_cluster(connection: Connection, scheduler_id: str, cluster_id: str) -> None:
    """See `Store.note_cluster`."""
    its_row = tables.scheduler.c.scheduler_id == scheduler_id
    connection.execute(update(tables.scheduler).where(its_row).values(cluster_id=cluster_id))


def others_clusters(
    connection: Connection, database: Database, scheduler_id: str, cluster_id: str
) -> list[str]:
    """Give the schedulers that are present and have joined another cluster."""
    scheduler = tables.scheduler.c
    found = connection.execute(
        select(scheduler.scheduler_id)
        .where(scheduler.scheduler_id != scheduler_id, scheduler.cluster_id.not_in(["", cluster_id]))
        .where(scheduler.forget_ms > database.now_ms())
        .order_by(scheduler.scheduler_id)
    )
    return [str(row.scheduler_id) for row in found]


def _lock(connection: Connection, database: Database) -> int:
    """Let nobody change the lease before the transaction ends; give the epoch that it has."""
    database.end_stuck_leaders(connection)
    locked = select(tables.lease.c.epoch).where(_ROW).with_for_update()
    return int(connection.execute(locked).scalar_one())


def _another_leads(connection: Connection, database: Database, scheduler_id: str) -> bool:
    holder = connection.execute(
        select(tables.lease.c.scheduler_id).where(_ROW, tables.lease.c.expires_ms > database.now_ms())
    ).scalar()
    return holder not in {None, NOBODY, scheduler_id}


def _remember(
    connection: Connection,
    database: Database,
    scheduler_id: str,
    address: str,
    now_ms: int,
    lease_seconds: float,
) -> None:
    connection.execute(delete(tables.scheduler).where(tables.scheduler.c.forget_ms <= now_ms))
    row = {"scheduler_id": scheduler_id, "address": address, "forget_ms": _forget_ms(now_ms, lease_seconds)}
    # Not the upsert of a whole row: the cluster is noted by itself.
    statement = database.insert(tables.scheduler)
    changed = {name: statement.excluded[name] for name in ("address", "forget_ms")}
    keys = list(tables.scheduler.primary_key.columns)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), row)


def read_clock(connection: Connection, database: Database) -> int:
    """Give the database's clock, in epoch milliseconds."""
    return int(connection.execute(select(database.now_ms())).scalar_one())


def _forget_ms(now_ms: int, lease_seconds: float) -> int:
    return now_ms + _LEASES_UNTIL_FORGOTTEN * _milliseconds(lease_seconds)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)

"""Secrets that all schedulers of a database share. All functions want a transaction that their caller began."""

from sqlalchemy import Connection, select

from elasticjob_cloud.store import tables
from elasticjob_cloud.store.databases.conflicts import insert_new
from elasticjob_cloud.store.databases.database import Database


def find(connection: Connection, name: str) -> str | None:
    value = connection.execute(select(tables.secret.c.value).where(tables.secret.c.name == name)).scalar()
    return None if value is None else str(value)


def keep_first(connection: Connection, database: Database, name: str, proposal: str) -> str:
    connection.execute(insert_new(database, tables.secret), {"name": name, "value": proposal})
    kept = find(connection, name)
    assert kept is not None
    return kept

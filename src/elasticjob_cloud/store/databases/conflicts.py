"""Statements that insert a row, or do something else where its key is there already."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Insert, Table

from elasticjob_cloud.store.databases.database import Database


def upsert(
    database: Database,
    table: Table,
    key: Column[Any] | None = None,
    lasting: Collection[str] = (),
) -> Insert:
    """Give the statement that inserts a row, or replaces all other columns of the row with that primary key.

    With a unique `key` that is not the primary key, that one tells which row it is, and the primary key stays.
    `lasting`: columns that never change in a row's life. SQLite writes each index again of which a column is set, even to
    the same value.
    """
    statement = database.insert(table)
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if not column.primary_key and column is not key and column.name not in lasting
    }
    keys = list(table.primary_key.columns) if key is None else [key]
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def add_counts(database: Database, table: Table) -> Insert:
    """Give the statement that inserts a row, or adds its `count` to that of the row with the same primary key."""
    statement = database.insert(table)
    added = {"count": table.c["count"] + statement.excluded["count"]}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=added)


def insert_new(database: Database, table: Table) -> Insert:
    """Give the statement that inserts a row, or does nothing where one has the same primary key."""
    statement = database.insert(table)
    return statement.on_conflict_do_nothing(index_elements=list(table.primary_key.columns))

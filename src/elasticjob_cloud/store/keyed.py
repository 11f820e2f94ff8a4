"""Tables whose rows come and go by key, as the writers of a turn see them."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sqlalchemy import Table

from elasticjob_cloud.store.databases.batch import Batch
from elasticjob_cloud.store.databases.conflicts import upsert
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.rows import Row

Key = TypeVar("Key")
Record = TypeVar("Record")


class KeyedTable(Generic[Key, Record]):
    """The two statements of a table whose rows come and go by key."""

    def __init__(
        self,
        database: Database,
        table: Table,
        to_row: Callable[[Key, Record], Row],
        to_key: Callable[[Key], Row],
    ) -> None:
        self._upsert = database.insert_many(upsert(database, table), list(table.c))
        self._delete = database.delete_many(table)
        self._to_row = to_row
        self._to_key = to_key

    def write(self, batch: Batch, changes: Mapping[Key, Record | None]) -> None:
        """Write each record over the row of its key; None deletes the row."""
        if not changes:
            return
        to_row = self._to_row
        batch.execute_many(
            self._delete, [self._to_key(key) for key, record in changes.items() if record is None]
        )
        batch.execute_many(
            self._upsert, [to_row(key, record) for key, record in changes.items() if record is not None]
        )


def single_key(key: str) -> Row:
    """Give the row that names a key of one column."""
    return (key,)

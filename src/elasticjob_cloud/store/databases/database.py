"""What differs from one database product to another, and nothing else. Each product has a package of its name."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Column, ColumnElement, Connection, Engine, Insert, Table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from elasticjob_cloud.model.errors import ElasticJobError, StartError
from elasticjob_cloud.store.databases.batch import Batch
from elasticjob_cloud.store.databases.compiled import Statement
from elasticjob_cloud.store.databases.size import DatabaseSize
from elasticjob_cloud.store.databases.sqlite.database import SqliteDatabase
from elasticjob_cloud.store.databases.url import GIVE_ONE, parse_database_url

if TYPE_CHECKING:  # whoever has SQLite does not wait for PostgreSQL's
    from sqlalchemy.dialects import postgresql, sqlite


class Database(Protocol):
    """A database product, opened. Transactions of `writer` exclude each other; those of `reader` cannot write."""

    writer: Engine
    reader: Engine
    has_clock: bool  # its own, which may differ from this machine's
    moves: int  # how often what is written went to a server with another history: one that may lack the latest commits

    def open(self) -> None:
        """Connect for the first time.

        Raises:
            StartError: the database cannot be used; the message says what to change.
        """

    def begin_migration(self, connection: Connection) -> None:
        """Wait, in a transaction of `writer`, until this process alone migrates."""

    def end_stuck_leaders(self, connection: Connection) -> None:
        """End the transactions of leaders whose lease is over and that lock it all the same: they are frozen or gone."""

    def insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """Give the product's own INSERT, which can be told what to do where a key is there already."""

    def text_of(self, statement: Statement, order: Sequence[str]) -> str:
        """Give a statement's text for a batch. It takes the parameters of these names in this order."""

    def insert_many(self, statement: Insert, columns: Sequence[Column[Any]]) -> str:
        """Give the text that executes such an INSERT for many rows of a batch, each with values for these columns.

        No two of the rows may have the same key.
        """

    def delete_many(self, table: Table) -> str:
        """Give the text that deletes many rows, each named by the values of its primary key."""

    def together(self, connection: Connection, /) -> AbstractContextManager[Batch]:
        """Give a batch, whose statements are all executed when the context ends, in a transaction of `writer`."""

    def now_ms(self) -> ColumnElement[int]:
        """Give the database's own wall clock in epoch milliseconds."""

    def explain(self, error: DBAPIError, *, committing: bool = False) -> ElasticJobError:
        """Give the error of ours that tells what went wrong; `committing`: the COMMIT itself failed."""

    def forget_sessions(self) -> None:
        """Have each session that is open now be replaced before its next use."""

    def size(self, connection: Connection) -> DatabaseSize:
        """Give how large it is, by a connection of `reader`."""

    def keep_room(self) -> bool:
        """Keep some room on the disk, if there is plenty, for deletions on a full one.

        True: it was full, and is no more. No transaction of `writer` may be under way. Raises nothing.
        """

    def make_room(self) -> None:
        """Find room for a deletion on a full disk. As `keep_room` otherwise."""

    def close(self) -> None:
        """Close all connections, the files in the state that they should rest in. Raises nothing."""


def open_database(url: str) -> Database:
    """Choose the product by the URL's scheme. Nothing is opened yet.

    Raises:
        StartError: the URL cannot be read, names a product that is not supported, or one whose driver is missing.
    """
    parsed = parse_database_url(url)
    if parsed.drivername == "sqlite":
        return SqliteDatabase(parsed.database or "")
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return _postgresql(parsed)
    raise StartError(
        f"The database URL {parsed.drivername}://... is of a kind that is not supported. {GIVE_ONE}"
    )


def _postgresql(url: URL) -> Database:
    try:
        # Whoever has SQLite neither has psycopg nor waits for it.
        from elasticjob_cloud.store.databases.postgresql.database import PostgresqlDatabase  # noqa: PLC0415
    except ImportError as error:
        raise StartError(
            f"PostgreSQL needs the driver psycopg, which cannot be loaded ({error}). "
            "Install it: pip install 'elasticjob-cloud[scheduler,postgres]'."
        ) from error
    return PostgresqlDatabase(url)

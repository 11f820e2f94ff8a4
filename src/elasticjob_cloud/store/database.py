"""What differs from one database product to another, and nothing else. Each product has one file beside this one."""

from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement, Engine, Insert, Table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from elasticjob_cloud.model.errors import ElasticJobError, StartError
from elasticjob_cloud.store.sqlite import SqliteDatabase


class Database(Protocol):
    """A database product, opened. Transactions of `writer` exclude each other; those of `reader` cannot write."""

    writer: Engine
    reader: Engine

    def open(self) -> None:
        """Connect for the first time.

        Raises:
            StartError: the database cannot be used; the message says what to change.
        """

    def upsert(self, table: Table) -> Insert:
        """Give the statement that inserts a row, or replaces all other columns of the row with that primary key."""

    def upsert_by(self, table: Table, key: Column[Any]) -> Insert:
        """Give the statement that inserts a row, or replaces what differs in the one that has the same unique key."""

    def add_counts(self, table: Table) -> Insert:
        """Give the statement that inserts a row, or adds its `count` to that of the row with the same primary key."""

    def insert_new(self, table: Table) -> Insert:
        """Give the statement that inserts a row, or does nothing where one has the same primary key."""

    def now_ms(self) -> ColumnElement[int]:
        """Give the database's own wall clock in epoch milliseconds."""

    def explain(self, error: DBAPIError, *, committing: bool = False) -> ElasticJobError:
        """Give the error of ours that tells what went wrong; `committing`: the COMMIT itself failed."""

    def close(self) -> None:
        """Close all connections, the files in the state that they should rest in. Raises nothing."""


def open_database(url: str) -> Database:
    """Choose the product by the URL's scheme. Nothing is opened yet.

    Raises:
        StartError: the URL cannot be read, or names a product that is not supported.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StartError(
            f"The database URL {url!r} cannot be read. Give one such as sqlite:////var/lib/elasticjob/cloud.db."
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise StartError(
            f"The database URL {parsed.render_as_string()} names a database that is not supported. "
            "Give one such as sqlite:////var/lib/elasticjob/cloud.db."
        )
    return SqliteDatabase(parsed.database or "")

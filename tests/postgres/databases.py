"""Databases on one PostgreSQL server that all tests of a process share (one per worker), for tests that do it no harm.

    with lent_database() as url:                   # as new, with the schema of this version; emptied at the end
        store = SqlStore(url)

A database that a test changes otherwise than by its rows is its own:

    with new_database() as url:                    # the same, made and dropped: takes twenty times as long
    with new_database(is_migrated=False) as url:   # without any table

Where no PostgreSQL can be had, the test that asks for one is skipped, and says how to get it.
"""

import atexit
import functools
import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from psycopg import sql

from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.tables import metadata
from tests.postgres.programs import PostgresMissingError
from tests.postgres.server import PostgresServer

_TEMPLATE = "migrated"
_CUT_OFF = sql.SQL(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Databases:
    """Databases of one server, each for one test at a time."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._idle: list[str] = []

    @contextmanager
    def new(self, *, is_migrated: bool = True) -> Iterator[str]:
        """Give the URL of a database that is dropped at the end."""
        name = self._create(is_migrated=is_migrated)
        try:
            yield self.server.url(name)
        finally:
            self.server.drop_database(name)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Give the URL of a migrated database, as new. Ids go on where the last borrower left them."""
        name = self._idle.pop() if self._idle else self._create(is_migrated=True)
        try:
            yield self.server.url(name)
        finally:
            # One that cannot be emptied is not lent again.
            self.server.execute(self._emptying, name)
            self._idle.append(name)

    def _create(self, *, is_migrated: bool) -> str:
        name = f"test_{next(self._numbers)}"
        self.server.create_database(name, template=self._template if is_migrated else "template0")
        return name

    @functools.cached_property
    def _template(self) -> str:
        """Make the database that the others are copies of, which takes a tenth of migrating each."""
        name = "migrated"
        self.server.create_database(name)
        store = SqlStore(self.server.url(name))
        store.migrate()
        store.close()
        return name

    @functools.cached_property
    def _emptying(self) -> sql.Composed:
        """Give what cuts off all others, and leaves in the tables what migrations put there.

        Truncating the tables takes ten times as long.
        """
        statements: list[sql.Composable] = [_CUT_OFF]
        with psycopg.connect(self.server.url(self._template)) as connection:
            for table in metadata.sorted_tables:
                name = sql.Identifier(table.name)
                statements.append(sql.SQL("DELETE FROM {}").format(name))
                for row in connection.execute(sql.SQL("SELECT * FROM {}").format(name)):
                    values = sql.SQL(", ").join(map(sql.Literal, row))
                    statements.append(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values))
        return sql.SQL("; ").join(statements)


def shared_server() -> PostgresServer:
    """Give the server, started."""
    return _shared_databases().server


def new_database(*, is_migrated: bool = True) -> AbstractContextManager[str]:
    """Give the URL of a database that is this test's alone; see `Databases.new`."""
    return _shared_databases().new(is_migrated=is_migrated)


def lent_database() -> AbstractContextManager[str]:
    """Give the URL of a migrated database, as new; see `Databases.lent`."""
    return _shared_databases().lent()


def _shared_databases() -> Databases:
    try:
        return _databases()
    except PostgresMissingError as error:
        pytest.skip(str(error))


@functools.cache
def _databases() -> Databases:
    server = PostgresServer()
    atexit.register(server.close)
    server.start()
    return Databases(server)

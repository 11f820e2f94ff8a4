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
from contextlib import contextmanager

import pytest
from psycopg import sql

from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.tables import metadata
from tests.postgres_programs import PostgresMissingError
from tests.postgres_server import PostgresServer

_TEMPLATE = "migrated"
_CUT_OFF = sql.SQL(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_numbers = itertools.count(1)
_idle: list[str] = []


def shared_server() -> PostgresServer:
    """Give the server, started."""
    try:
        return _server()
    except PostgresMissingError as error:
        pytest.skip(str(error))


@contextmanager
def new_database(*, is_migrated: bool = True) -> Iterator[str]:
    """Give the URL of a database that is this test's alone."""
    name = _create(is_migrated=is_migrated)
    try:
        yield shared_server().url(name)
    finally:
        shared_server().drop_database(name)


@contextmanager
def lent_database() -> Iterator[str]:
    """Give the URL of a migrated database, as new. Ids go on where the last borrower left them."""
    name = _idle.pop() if _idle else _create(is_migrated=True)
    try:
        yield shared_server().url(name)
    finally:
        # One that cannot be emptied is not lent again.
        shared_server().execute(_emptying(), name)
        _idle.append(name)


def _create(*, is_migrated: bool) -> str:
    server = shared_server()
    name = f"test_{next(_numbers)}"
    server.create_database(name, template=_template() if is_migrated else "template0")
    return name


@functools.cache
def _server() -> PostgresServer:
    server = PostgresServer()
    atexit.register(server.close)
    server.start()
    return server


@functools.cache
def _template() -> str:
    """Make the database that the others are copies of, which takes a tenth of migrating each."""
    server = _server()
    server.create_database(_TEMPLATE)
    store = SqlStore(server.url(_TEMPLATE))
    store.migrate()
    store.close()
    return _TEMPLATE


@functools.cache
def _emptying() -> sql.Composed:
    """Give what cuts off all others, and leaves in the tables what migrations put there.

    Truncating the tables takes ten times as long.
    """
    statements: list[sql.Composable] = [_CUT_OFF]
    for table in metadata.sorted_tables:
        name = sql.Identifier(table.name)
        statements.append(sql.SQL("DELETE FROM {}").format(name))
        for row in shared_server().execute(sql.SQL("SELECT * FROM {}").format(name), _template()):
            values = sql.SQL(", ").join(map(sql.Literal, row))
            statements.append(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values))
    return sql.SQL("; ").join(statements)

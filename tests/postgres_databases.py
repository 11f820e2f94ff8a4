"""Databases on one PostgreSQL server that all tests of a process share (one per worker), for tests that do it no harm.

    with new_database() as url:                    # has the schema of this version; dropped at the end
        store = SqlStore(url)

Where no PostgreSQL can be had, the test that asks for one is skipped, and says how to get it.
"""

import atexit
import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from elasticjob_cloud.store import SqlStore
from tests.postgres_server import PostgresMissingError, PostgresServer

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


def shared_server() -> PostgresServer:
    """Give the server, started."""
    try:
        return _server()
    except PostgresMissingError as error:
        pytest.skip(str(error))


@contextmanager
def new_database(*, is_migrated: bool = True) -> Iterator[str]:
    """Give the URL of a database that is this test's alone."""
    server = shared_server()
    name = f"test_{next(_numbers)}"
    server.create_database(name, template=_template() if is_migrated else "template0")
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


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

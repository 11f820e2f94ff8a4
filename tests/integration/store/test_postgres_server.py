"""The PostgreSQL server that other tests use: it ends with whoever started it, and what it held survives its end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.checkout import ROOT
from tests.postgres.programs import PostgresMissingError, find_programs
from tests.postgres.server import PostgresServer
from tests.processes import wait_gone
from tests.waiting import wait_for

DEADLINE_SECONDS = 10.0
_START = """
from tests.postgres.server import PostgresServer
server = PostgresServer()
server.start()
{then}
print(server._scratch, *(process.pid for process in server._processes()), flush=True)
input()
"""


pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _needs_postgresql() -> None:
    try:
        find_programs()
    except PostgresMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        server.create_database("cloud")
        yield server


@pytest.mark.parametrize("then", ["", "server.freeze()"], ids=["running", "frozen"])
def test_a_server_ends_with_the_process_that_started_it_even_when_that_is_killed(then: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _START.format(then=then)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        scratch, *pids = process.stdout.readline().split()
        assert len(pids) > 1
        os.kill(process.pid, signal.SIGKILL)
        for pid in pids:
            wait_gone(int(pid))
        wait_for(lambda: not Path(scratch).exists(), "its files are gone")


def test_data_survives_kill_9_and_a_restart(server: PostgresServer) -> None:
    port = server.port
    with psycopg.connect(server.url("cloud"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    server.kill()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(server.url("cloud"))
    for start in (server.start, server.restart):
        start()
        assert server.execute("SELECT value FROM kept", "cloud") == [(7,)]
    assert server.port == port


def test_a_frozen_server_answers_nobody_until_it_is_thawed(server: PostgresServer) -> None:
    server.freeze()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(server.url("cloud"), connect_timeout=2)
    server.thaw()
    with contextlib.closing(psycopg.connect(server.url("cloud"))) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_password_is_asked_for_and_the_ordinary_user_may_not_do_everything(
    server: PostgresServer,
) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url("cloud").replace(server._password, "wrong"))
    with (
        psycopg.connect(server.url("cloud")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE ROLE mightier SUPERUSER")

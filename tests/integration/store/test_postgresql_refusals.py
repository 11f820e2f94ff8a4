"""PostgreSQL that cannot be used at start: what is said, and that no password is."""

import subprocess
import sys

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from elasticjob_cloud.store.databases.postgresql import database as postgresql
from elasticjob_cloud.store.databases.postgresql.errors import explain
from tests.integration.store.opened_stores import refusal
from tests.postgres.databases import lent_database, new_database, shared_server


def test_a_start_that_fails_says_what_to_change_and_not_the_password() -> None:
    server = shared_server()
    good = server.url("postgres")
    cases = {
        good.replace(server._password, "wrong-secret"): "refuses our login",
        good.replace("elasticjob:", "nobody:"): "refuses our login",
        server.url("absent"): "does not exist. Create it",
        good.replace(
            f":{server.port}/", f":{server.port + 1 if server.port < 65535 else 1}/"
        ): "cannot be reached",
        good.replace("127.0.0.1", "no-such-host.invalid"): "there is no such host",
        good + "?sslmode=require": "sslmode",
        good + "?sslmod=require": "option that libpq does not know",
        server.url("template1"): "denies us a right",
    }
    for url, advice in cases.items():
        message = refusal(url)
        assert advice in message, (url, message)
        assert server._password not in message
        assert "wrong-secret" not in message


def test_without_psycopg_the_advice_is_what_to_install() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from elasticjob_cloud.store import SqlStore\n"
        "from elasticjob_cloud.model.errors import StartError\n"
        "try: SqlStore('postgresql://me@host/db')\n"
        "except StartError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert "pip install 'elasticjob-cloud[scheduler,postgres]'" in ran.stdout


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with lent_database() as url:  # before the change, for the first database of all is migrated
        monkeypatch.setattr(postgresql, "OLDEST_SERVER", 99)
        assert "Use 99 or newer" in refusal(url)


def test_a_database_of_another_encoding_is_refused() -> None:
    server = shared_server()
    server.execute("CREATE DATABASE latin OWNER elasticjob TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    assert "encoding LATIN1" in refusal(server.url("latin"))
    server.drop_database("latin")


def test_a_server_that_takes_no_writes_is_refused() -> None:
    with new_database() as url:
        name = url.rsplit("/", 1)[-1]
        shared_server().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        assert "takes no writes" in refusal(url)


@pytest.mark.parametrize(
    "said",
    [
        "consuming input failed: SSL connection has been closed unexpectedly",
        "consuming input failed: SSL SYSCALL error: EOF detected",
        'connection to server at "10.0.0.1" (ssl.example), port 5432 failed: Connection refused',
    ],
)
def test_who_loses_a_connection_is_not_told_to_change_its_encryption(said: str) -> None:
    error = DBAPIError("", None, psycopg.OperationalError(said))
    message = str(explain(error, "db/cloud", committing=False))
    assert "cannot be reached" in message
    assert "sslmode" not in message


@pytest.mark.parametrize(
    "said",
    [
        'connection to server at "10.0.0.1", port 5432 failed: server does not support SSL, but SSL was required',
        "connection failed: SSL error: certificate verify failed",
        'root certificate file "/ca.pem" does not exist',
    ],
)
def test_who_asks_for_more_encryption_than_there_is_is_told_to_change_that(said: str) -> None:
    error = DBAPIError("", None, psycopg.OperationalError(said))
    assert "sslmode" in str(explain(error, "db/cloud", committing=False))

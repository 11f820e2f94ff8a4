"""URLs of a real server, in every way that people write them: they connect, and no password is shown anywhere."""

import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from psycopg import sql

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.database import open_database
from tests.integration.store.opened_stores import opened
from tests.postgres.databases import new_database, shared_server

ROLE = "strange"
PASSWORD = "pa@ss/wo:rd?x#y%z,+ &"
RAW_PASSWORD = "pa@sswo:rd"


def encoded(password: str) -> str:
    return quote(password, safe="")


@pytest.fixture(params=[PASSWORD, RAW_PASSWORD])
def password(request: pytest.FixtureRequest) -> Iterator[str]:
    """The password of a role that owns databases."""
    server = shared_server()
    server.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE elasticjob").format(
            sql.Identifier(ROLE), sql.Literal(request.param)
        )
    )
    yield request.param
    server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def test_every_way_to_write_the_password_connects(password: str) -> None:
    port = shared_server().port
    with new_database() as url:
        name = url.rpartition("/")[2]
        ways = [
            f"postgresql://{ROLE}:{encoded(password)}@127.0.0.1:{port}/{name}",
            f"postgres://{ROLE}:{encoded(password)}@127.0.0.1:{port}/{name}\n",
            f"postgresql+psycopg://{ROLE}@127.0.0.1:{port}/{name}?password={encoded(password)}",
            f"postgresql:///{name}?host=127.0.0.1&port={port}&user={ROLE}&password={encoded(password)}",
            f"postgresql://{ROLE}:{encoded(password)}@127.0.0.1:1,127.0.0.1:{port}/{name}",
            f"postgresql://{ROLE}:{encoded(password)}@127.0.0.1:{port}/{quote(name, safe='')}",
        ]
        if password is RAW_PASSWORD:
            ways.append(f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{name}")
        for way in ways:
            with opened(way) as store, store._read() as connection:
                assert connection.exec_driver_sql("SELECT current_user").scalar_one() == ROLE, way


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:{}@127.0.0.1:1/db",
        "postgres://me:{}@127.0.0.1:1/db\n",
        "postgresql://me:{}@nowhere.invalid/db",
        "postgresql://me@127.0.0.1:1/db?password={}",
        "postgresql://127.0.0.1:1/db?user=me&password={}",
        "postgresql://me:{}@127.0.0.1:1,127.0.0.1:2/db",
        "postgresql://me:{}@[::1]:1/db",
        "postgresql://me:{}@/db?host=/nowhere",
        "postgresql://me:{}@127.0.0.1:1/db?no_such_option=1",
        "postgresql://me@127.0.0.1:1/db?sslpassword={}&sslmode=disable",
        "postgresql://me:{}@",
        "postgresql://me:{}@127.0.0.1:port/db",
        "mysql://me:{}@127.0.0.1/db",
    ],
)
@pytest.mark.parametrize(
    "tail", ["%40hunter2", "@hunter2", "%2Fhunter2", ":hunter2", "%23hunter2", "#hunter2", "/hunter2"]
)
def test_no_failure_shows_a_password_or_a_part_of_one(
    url: str, tail: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def start() -> None:
        store = SqlStore(url.format(f"secret{tail}"))
        shown.extend((repr(store), repr(store._database), repr(vars(store._database))))
        store.migrate()

    with pytest.raises(StartError) as raised:
        start()
    # The lines of this test's own source are no part of what users see.
    shown += [part for part in traceback.format_exception(raised.value) if "File " not in part]
    shown += [caplog.text, repr(raised.value), str(raised.value)]
    for text in shown:
        assert "hunter2" not in text
        assert "secret" not in text


def test_what_shows_an_engine_shows_no_password() -> None:
    database = open_database("postgresql://me@host/db?password=hunter2&sslpassword=hunter3&sslmode=require")
    for engine in (database.writer, database.reader):
        assert "hunter" not in f"{engine!r} {engine.url!r} {engine.url}"
        assert "sslmode=require" in repr(engine)

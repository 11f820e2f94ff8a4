"""A PostgreSQL server that is stopped, killed or frozen: nothing hangs, nothing is lost, and all goes on afterwards."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store.databases.postgresql import database as postgresql
from elasticjob_cloud.store.databases.postgresql.batch import PostgresBatch
from elasticjob_cloud.store.databases.postgresql.connection import Limits, PostgresConnection
from elasticjob_cloud.store.rows import Row
from tests.contract.store import samples
from tests.integration.store.opened_stores import lead, opened
from tests.integration.store.store_calls import when_available
from tests.integration.store.store_children import child, numbers_said, said
from tests.postgres.databases import Databases
from tests.postgres.programs import PostgresMissingError
from tests.postgres.server import PostgresServer

APP = Changes(apps={"app": samples.app()})


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """Databases on a server to be harmed. What is killed loses nothing that the kernel has: fsync would add only time."""
    try:
        server = PostgresServer()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    with server:
        yield Databases(server)


@pytest.fixture
def server(databases: Databases) -> PostgresServer:
    return databases.server


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.lent() as url:
        yield url
        databases.server.recover()


def test_a_frozen_server_hangs_nobody_and_all_goes_on_when_it_wakes(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Limits(statement=5, lock=5, idle=5, silence=0.3)
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", short)
    monkeypatch.setattr(postgresql, "READER_LIMITS", short)
    with opened(url + "?connect_timeout=2") as store:
        epoch = lead(store)
        store.leader()
        server.freeze()
        for call in (lambda: store.commit(epoch, APP), store.leader):
            began = time.monotonic()
            with pytest.raises(
                StoreUnavailableError, match=r"cannot be reached.*no answer for 0\.3 s"
            ) as raised:
                call()
            assert time.monotonic() - began < 5
            assert not raised.value.outcome_unknown
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            store.commit(epoch, APP)  # a new connection is not answered either
        server.thaw()
        assert when_available(lambda: store.commit(epoch, APP), "the next commit succeeds")
        assert set(store.load().apps) == {"app"}


@pytest.mark.parametrize(
    "harm,reason",
    # A session that is killed later than its postmaster may still say why it ends.
    [("freeze", r"no answer for 0\.5 s"), ("kill", "closed the connection|reset by peer|was restarted")],
)
def test_a_server_that_is_lost_among_the_statements_of_a_commit_leaves_nothing_of_it(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch, harm: str, reason: str
) -> None:
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", Limits(statement=5, lock=5, idle=5, silence=0.5))
    with opened(url) as store:
        epoch = lead(store)

        execute_many = PostgresBatch.execute_many
        harms = [getattr(server, harm)]

        def lose(batch: PostgresBatch, statement: str, rows: Sequence[Row]) -> None:
            if statement.startswith("INSERT INTO app") and harms:
                harms.pop()()
            execute_many(batch, statement, rows)

        monkeypatch.setattr(PostgresBatch, "execute_many", lose)
        with pytest.raises(StoreUnavailableError, match=reason) as raised:
            store.commit(epoch, APP)
        assert not raised.value.outcome_unknown
        if harm == "freeze":
            server.thaw()
        else:
            server.start()
        assert store.load().apps == {}
        assert store.commit(epoch, APP)


def test_no_call_fails_after_a_restart_of_the_server(server: PostgresServer, url: str) -> None:
    with opened(url) as store:
        epoch = lead(store)
        readers = [store._database.reader.connect() for _ in range(4)]
        for reader in readers:
            reader.close()
        for end in (server.stop, server.kill):
            end()
            server.start()
            assert store.commit(epoch, APP)
            for _ in range(6):
                assert set(store.load().apps) == {"app"}


def test_while_the_server_is_down_every_call_says_so_without_the_password(
    server: PostgresServer, url: str
) -> None:
    with opened(url) as store:
        epoch = lead(store)
        server.stop()
        calls: list[Callable[[], Any]] = [store.leader, store.load, lambda: store.commit(epoch, APP)]
        for call in calls:
            with pytest.raises(StoreUnavailableError, match="cannot be reached") as raised:
                call()
            assert server._password not in str(raised.value)
            assert not raised.value.outcome_unknown
        server.start()
        assert store.commit(epoch, APP)


def test_a_connection_that_is_lost_in_commit_leaves_the_outcome_unknown(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url) as store:
        epoch = lead(store)

        def commit_too_late(connection: PostgresConnection) -> None:
            server.kill()
            psycopg.Connection.commit(connection)

        with monkeypatch.context() as patch:
            patch.setattr(PostgresConnection, "commit", commit_too_late)
            with pytest.raises(StoreUnavailableError, match="cannot be reached") as raised:
                store.commit(epoch, APP)
        assert raised.value.outcome_unknown
        server.start()
        assert store.load().apps == {}


@pytest.mark.slow
def test_kill_9_of_the_server_loses_nothing_that_was_committed(server: PostgresServer, url: str) -> None:
    with opened(url):
        pass
    with child("commit", url) as process:
        acknowledged = {int(said(process)) for _ in range(60)}
        server.kill()
        acknowledged |= numbers_said(process)
    server.start()
    with opened(url) as store:
        snapshot = store.load()
    fires = {fire.fire_id for fire in snapshot.fires}
    assert acknowledged <= fires
    assert {task.fire_id for task in snapshot.tasks} == fires
    assert len(snapshot.tasks) == 3 * len(fires)

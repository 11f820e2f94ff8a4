"""What is particular to PostgreSQL's sessions: their settings, limits and texts, and how statements reach the server."""

from collections.abc import Generator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from elasticjob_cloud.model.errors import BugError, StoreUnavailableError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.postgresql import database as postgresql
from elasticjob_cloud.store.databases.postgresql.connection import Limits, PostgresConnection
from tests.contract.store import samples
from tests.integration.store.opened_stores import lead, opened
from tests.integration.store.store_calls import Call
from tests.postgres.databases import lent_database, new_database, shared_server

APP = Changes(apps={"app": samples.app()})


@pytest.fixture
def url() -> Iterator[str]:
    with lent_database() as url:
        yield url


def test_a_migration_may_take_longer_than_other_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", Limits(statement=0.1, lock=0.1, idle=0.1, silence=0.1))
    with new_database(is_migrated=False) as url, psycopg.connect(url) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({postgresql._MIGRATION_LOCK})")
        store = SqlStore(url)
        migration = Call(store.migrate)
        migration.join(0.5)
        assert migration.is_alive(), "it waits for the scheduler that migrates"
        other.rollback()
        migration.result()
        assert store.load() is not None
        store.close()


def test_text_is_stored_as_it_is_whatever_arrays_are_written_with(url: str) -> None:
    texts = ['"', "\\", '\\"', "NULL", "null", "", "{", "}", ",", '","', "a\nb\tc", "\x01", "%s", "$1", "ä😀", "'", " "]  # fmt: skip
    with opened(url) as store:
        epoch = lead(store)
        for chosen in (texts, *([text] for text in texts)):
            schedules: dict[str, int | None] = {
                f"{number}{text}": number for number, text in enumerate(chosen)
            }
            assert store.commit(epoch, Changes(schedules=schedules))
            assert store.load().schedules == schedules
            assert store.commit(epoch, Changes(schedules=dict.fromkeys(schedules)))
            assert store.load().schedules == {}


def test_text_that_no_database_takes_fails_its_commit_alone(url: str) -> None:
    with opened(url) as store:
        epoch = lead(store)
        with pytest.raises(BugError, match="malformed array"):
            store.commit(epoch, Changes(schedules={"before": 1, "nul\0": 2, "after": 3}))
        with pytest.raises(UnicodeEncodeError):
            store.commit(epoch, Changes(apps=APP.apps, schedules={"surrogate\ud800": 1}))
        assert store.load().apps == {}
        assert store.load().schedules == {}
        assert store.commit(epoch, APP)


def test_a_commit_of_many_kinds_of_rows_takes_two_exchanges_with_the_server(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = 0
    wait = PostgresConnection.wait

    def count(connection: PostgresConnection, gen: Generator[Any, Any, Any]) -> Any:
        nonlocal exchanges
        # Out of a transaction nothing was sent: the connection is given back.
        exchanges += connection.pgconn.transaction_status != TransactionStatus.IDLE
        return wait(connection, gen)

    changes = Changes(
        apps=APP.apps,
        schedules={"job": 1},
        tasks={"t": samples.task("t"), "gone": None},
        fires={1: samples.fire(1)},
        status_traces=[samples.status_trace("t")],
        executions=[samples.execution("t")],
    )
    with opened(url) as store:
        epoch = lead(store)
        monkeypatch.setattr(PostgresConnection, "wait", count)
        for _ in range(2):  # statements are prepared in the first
            exchanges = 0
            assert store.commit(epoch, changes)
            assert exchanges == 2


def test_statements_are_prepared_once_also_where_commits_fail_or_are_refused(url: str) -> None:
    impossible = Changes(apps=APP.apps, executions=[samples.execution("huge", 2**70)])
    with opened(url) as store:
        epoch = lead(store)

        def prepared() -> Any:
            with store._database.writer.connect() as connection:
                return connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()

        assert store.commit(epoch, APP)
        with pytest.raises(BugError, match="out of range"):
            store.commit(epoch, impossible)
        before = prepared()
        assert before > 0
        for _ in range(3):
            with pytest.raises(BugError, match="out of range"):
                store.commit(epoch, impossible)
            assert not store.commit(epoch + 1, APP)
            assert store.commit(epoch, APP)
        assert prepared() == before


def test_queries_cannot_write(url: str) -> None:
    with (
        opened(url) as store,
        store._database.reader.connect() as connection,
        pytest.raises(Exception, match="read-only transaction"),
    ):
        connection.exec_driver_sql("DELETE FROM lease")


@pytest.mark.parametrize("given, used", [("off", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_is_synchronous_even_where_the_role_is_set_otherwise(given: str, used: str) -> None:
    with new_database() as url:
        name = url.rsplit("/", 1)[-1]
        shared_server().execute(f"ALTER ROLE elasticjob IN DATABASE {name} SET synchronous_commit = {given}")
        with opened(url) as store, store._database.writer.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used


def test_a_lock_that_another_program_holds_is_waited_for_only_so_long(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", Limits(statement=5, lock=0.1, idle=5, silence=5))
    with opened(url) as store:
        epoch = lead(store)
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE app")
            with pytest.raises(StoreUnavailableError, match="locked by another session") as raised:
                store.commit(epoch, APP)
            assert not raised.value.outcome_unknown
        assert store.commit(epoch, APP)


def test_a_query_that_takes_too_long_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "READER_LIMITS", Limits(statement=0.1, lock=5, idle=5, silence=5))
    with opened(url) as store:
        with pytest.raises(StoreUnavailableError, match="takes too long"), store._read() as connection:
            connection.exec_driver_sql("SELECT pg_sleep(5)")
        assert store.leader() is None


def test_who_reads_may_think_about_what_it_read_as_long_as_the_server_may_take_to_give_it(url: str) -> None:
    with opened(url) as store, store._database.reader.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, setting::int FROM pg_settings "
            "WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout')"
        )
        limits = {row.name: row.setting for row in rows}
    assert limits["idle_in_transaction_session_timeout"] >= limits["statement_timeout"] > 0


def test_the_server_too_notices_within_seconds_that_a_host_of_ours_is_gone(url: str) -> None:
    with opened(url) as store:
        for engine in (store._database.writer, store._database.reader):
            with engine.connect() as connection:
                rows = connection.exec_driver_sql(
                    "SELECT setting::int FROM pg_settings WHERE name LIKE 'tcp_keepalives%%' ORDER BY name"
                )
                count, idle, interval = rows.scalars()
                assert 0 < idle + count * interval <= 5

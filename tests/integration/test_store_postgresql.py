"""What is particular to PostgreSQL: servers that stop, hang or refuse, and sessions that hold locks."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event

from elasticjob_cloud.model.errors import StartError, StoreUnavailableError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore, postgresql
from elasticjob_cloud.store.migration import SCHEMA_REVISION
from elasticjob_cloud.store.postgresql_batch import PostgresBatch
from elasticjob_cloud.store.postgresql_connection import Limits, PostgresConnection
from elasticjob_cloud.store.rows import Row
from elasticjob_cloud.store.tables import metadata
from tests.contract import store_samples as samples
from tests.postgres_databases import new_database, shared_server
from tests.postgres_programs import PostgresMissingError
from tests.postgres_server import PostgresServer

REPOSITORY = Path(__file__).parents[2]
APP = Changes(apps={"app": samples.app()})
DEADLINE_SECONDS = 10.0


@pytest.fixture
def url() -> Iterator[str]:
    with new_database() as url:
        yield url


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer(durable=True)
    except PostgresMissingError as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def server(own_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server to be harmed, with a new database `cloud`; commits are as safe as in production."""
    own_server.drop_database("cloud")
    own_server.create_database("cloud")
    yield own_server
    own_server.restart()


@contextmanager
def opened(url: str) -> Iterator[SqlStore]:
    store = SqlStore(url)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def lead(store: SqlStore, seconds: float = 60) -> int:
    epoch = store.acquire_lease("test", "", seconds)
    assert epoch is not None
    return epoch


def refusal(url: str) -> str:
    with pytest.raises(StartError) as raised, opened(url):
        pass
    return str(raised.value)


def until(attempt: Callable[[], Any]) -> Any:
    """Repeat until it gives something, and give that; unavailable is nothing."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            result = attempt()
        except StoreUnavailableError:
            result = None
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("it never came true")


@contextmanager
def committer(mode: str, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integration.store_committer", mode, url, *arguments]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


class Thread(threading.Thread):
    """A call in a thread of its own, whose result one can wait for."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._result: Any = None
        self.start()

    def run(self) -> None:
        self._result = self._call()

    def result(self) -> Any:
        self.join(DEADLINE_SECONDS)
        assert not self.is_alive(), "it hangs"
        return self._result


def test_all_revisions_in_a_row_make_the_tables_of_the_code() -> None:
    with (
        new_database(is_migrated=False) as url,
        opened(url) as store,
        store._database.writer.connect() as connection,
    ):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == SCHEMA_REVISION


def test_schedulers_that_start_at_once_on_an_empty_database_all_get_through() -> None:
    with new_database(is_migrated=False) as url:
        problems: list[Exception] = []
        start = threading.Barrier(4)

        def run() -> None:
            start.wait()
            try:
                with opened(url) as store:
                    store.load()
            except Exception as error:
                problems.append(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert problems == []


def test_a_migration_may_take_longer_than_other_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", Limits(statement=0.2, lock=0.2, idle=0.2, silence=0.2))
    with new_database(is_migrated=False) as url, psycopg.connect(url) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({postgresql._MIGRATION_LOCK})")
        store = SqlStore(url)
        migration = Thread(store.migrate)
        migration.join(1)
        assert migration.is_alive(), "it waits for the scheduler that migrates"
        other.rollback()
        migration.result()
        assert store.load() is not None
        store.close()


def test_text_is_stored_as_it_is_whatever_arrays_are_written_with(url: str) -> None:
    texts = [
        '"',
        "\\",
        '\\"',
        "NULL",
        "null",
        "",
        "{",
        "}",
        ",",
        '","',
        "a\nb\tc",
        "\x01",
        "%s",
        "ä😀",
        "'",
        " ",
    ]
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


def test_queries_cannot_write(url: str) -> None:
    with (
        opened(url) as store,
        store._database.reader.connect() as connection,
        pytest.raises(Exception, match="read-only transaction"),
    ):
        connection.exec_driver_sql("DELETE FROM lease")


def test_a_commit_is_synchronous_even_where_the_role_is_set_otherwise(server: PostgresServer) -> None:
    server.execute("ALTER ROLE elasticjob SET synchronous_commit = off")
    with opened(server.url("cloud")) as store, store._database.writer.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    server.execute("ALTER ROLE elasticjob SET synchronous_commit = remote_apply")
    with opened(server.url("cloud")) as store, store._database.writer.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_apply"
    server.execute("ALTER ROLE elasticjob RESET synchronous_commit")


def test_a_standby_that_is_known_writes_nothing(url: str) -> None:
    with opened(url) as leader, opened(url) as standby, psycopg.connect(url, autocommit=True) as watcher:
        lead(leader)

        def version() -> Any:
            return watcher.execute(
                "SELECT ctid, forget_ms FROM scheduler WHERE scheduler_id = 'standby'"
            ).fetchone()

        assert standby.acquire_lease("standby", "there", 60) is None
        before = version()
        assert before is not None
        for _ in range(20):
            assert standby.acquire_lease("standby", "there", 60) is None
        assert version() == before
        assert standby.acquire_lease("standby", "moved", 60) is None
        assert version() != before


def test_who_seeks_the_lead_waits_for_a_commit_that_checked_its_epoch(url: str) -> None:
    with opened(url) as leader, opened(url) as rival:
        epoch = lead(leader, seconds=0)
        reached, go_on = threading.Event(), threading.Event()

        def hold(_: Any) -> None:
            reached.set()
            assert go_on.wait(DEADLINE_SECONDS)

        event.listen(leader._database.writer, "commit", hold, once=True)
        commit = Thread(lambda: leader.commit(epoch, APP))
        assert reached.wait(DEADLINE_SECONDS)
        acquire = Thread(lambda: rival.acquire_lease("rival", "", 60))
        acquire.join(0.3)
        assert acquire.is_alive(), "the lead changes while a commit of the old leader's is under way"
        go_on.set()
        assert commit.result() is True
        assert acquire.result() == epoch + 1
        assert set(rival.load().apps) == {"app"}, "the new leader sees all that the old one committed"


def test_a_commit_waits_for_who_takes_the_lead_and_writes_nothing_then(url: str) -> None:
    with opened(url) as leader, opened(url) as rival:
        epoch = lead(leader, seconds=0)
        reached, go_on = threading.Event(), threading.Event()

        def hold(_: Any) -> None:
            reached.set()
            assert go_on.wait(DEADLINE_SECONDS)

        event.listen(rival._database.writer, "commit", hold, once=True)
        acquire = Thread(lambda: rival.acquire_lease("rival", "", 60))
        assert reached.wait(DEADLINE_SECONDS)
        commit = Thread(lambda: leader.commit(epoch, APP))
        commit.join(0.3)
        assert commit.is_alive(), "a commit goes through while the lead is being taken"
        go_on.set()
        assert acquire.result() == epoch + 1
        assert commit.result() is False
        assert rival.load().apps == {}


@pytest.mark.slow
def test_a_leader_that_freezes_within_a_commit_is_followed_and_changes_nothing_when_it_wakes(
    url: str,
) -> None:
    lease_seconds = 1.5
    with opened(url) as standby, committer("freeze", url, str(lease_seconds)) as frozen:
        assert said(frozen) == "freezing"
        began = time.monotonic()
        epoch = until(lambda: standby.acquire_lease("standby", "", 60))
        assert time.monotonic() - began < lease_seconds + 2
        assert standby.load().fires == []
        assert standby.commit(epoch, APP)
        os.kill(frozen.pid, signal.SIGCONT)
        assert said(frozen) == "unavailable, outcome unknown: True"
        assert said(frozen) == "False"
        snapshot = standby.load()
        assert snapshot.fires == []
        assert set(snapshot.apps) == {"app"}


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


def test_a_frozen_server_hangs_nobody_and_all_goes_on_when_it_wakes(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Limits(statement=5, lock=5, idle=5, silence=0.3)
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", short)
    monkeypatch.setattr(postgresql, "READER_LIMITS", short)
    with opened(server.url("cloud", scheme="postgresql") + "?connect_timeout=2") as store:
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
        assert until(lambda: store.commit(epoch, APP))
        assert set(store.load().apps) == {"app"}


@pytest.mark.parametrize(
    "harm,reason", [("freeze", r"no answer for 0\.5 s"), ("kill", "closed the connection|reset by peer")]
)
def test_a_server_that_is_lost_among_the_statements_of_a_commit_leaves_nothing_of_it(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch, harm: str, reason: str
) -> None:
    monkeypatch.setattr(postgresql, "WRITER_LIMITS", Limits(statement=5, lock=5, idle=5, silence=0.5))
    with opened(server.url("cloud")) as store:
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


def test_no_call_fails_after_a_restart_of_the_server(server: PostgresServer) -> None:
    with opened(server.url("cloud")) as store:
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


def test_while_the_server_is_down_every_call_says_so_without_the_password(server: PostgresServer) -> None:
    with opened(server.url("cloud")) as store:
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
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(server.url("cloud")) as store:
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
def test_kill_9_of_the_server_loses_nothing_that_was_committed(server: PostgresServer) -> None:
    url = server.url("cloud")
    with opened(url):
        pass
    with committer("commit", url) as process:
        acknowledged = {int(said(process)) for _ in range(60)}
        server.kill()
        assert process.stdout is not None
        acknowledged.update(int(line) for line in process.stdout.read().split())
    server.start()
    with opened(url) as store:
        snapshot = store.load()
    fires = {fire.fire_id for fire in snapshot.fires}
    assert acknowledged <= fires
    assert {task.fire_id for task in snapshot.tasks} == fires
    assert len(snapshot.tasks) == 3 * len(fires)


def test_a_start_that_fails_says_what_to_change_and_not_the_password(tmp_path: Path) -> None:
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
        server.url("template1"): "denies us a right",
    }
    for url, advice in cases.items():
        message = refusal(url)
        assert advice in message, (url, message)
        assert server._password not in message
        assert "wrong-secret" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host:port/db",
        "postgresql+asyncpg://me:secret@host/db",
        "postgres://me:secret@host/db",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StartError, match="postgresql://user:password@host:5432/database") as raised:
        SqlStore(url)
    assert "secret" not in str(raised.value)


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


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "OLDEST_SERVER", 99)
    assert "Use 99 or newer" in refusal(url)


def test_a_database_of_another_encoding_is_refused() -> None:
    server = shared_server()
    server.execute("CREATE DATABASE latin OWNER elasticjob TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    assert "encoding LATIN1" in refusal(server.url("latin"))
    server.drop_database("latin")


def test_a_server_that_takes_no_writes_is_refused(url: str) -> None:
    name = url.rsplit("/", 1)[-1]
    shared_server().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "takes no writes" in refusal(url)


def test_tables_of_another_program_are_left_alone() -> None:
    with new_database(is_migrated=False) as url:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("CREATE TABLE job (mine TEXT)")
        assert "tables of another program: job" in refusal(url)
        with psycopg.connect(url) as other:
            tables = other.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert tables == [("job",)]

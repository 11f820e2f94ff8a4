"""Locks of other processes on an SQLite file, at the moments that SQLite's own busy timeout does not cover."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from elasticjob_cloud.model.errors import StartError, StoreUnavailableError
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.sqlite import connection as sqlite_connection
from elasticjob_cloud.store.databases.sqlite import database as sqlite
from tests.integration.store.opened_stores import opened, refusal

PROCESSES = 6
ROUNDS = 5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cloud.db"


@contextmanager
def another(file: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """Another program's connection, which has executed these."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()
        yield connection


def in_place_of_pauses(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[float]:
    """Have the first pause of an opening store be what others do meanwhile; give the pauses."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            act()

    monkeypatch.setattr(sqlite_connection, "pause", pause)
    monkeypatch.setattr(sqlite_connection, "BUSY_SECONDS", 0.0)  # whatever needs a wait needs ours
    return pauses


@pytest.mark.parametrize(
    "statements",
    [
        # Fails at once, whatever the busy timeout: this is what schedulers that start together did to each other.
        pytest.param(("BEGIN IMMEDIATE",), id="writes"),
        pytest.param(("BEGIN EXCLUSIVE",), id="has the file for itself"),
        pytest.param(("CREATE TABLE t (x)", "BEGIN", "SELECT * FROM t"), id="reads"),
    ],
)
def test_a_new_file_that_another_has_locked_is_opened_when_the_lock_is_gone(
    file: Path, monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...]
) -> None:
    with another(file, *statements) as other:
        pauses = in_place_of_pauses(monkeypatch, lambda: other.execute("ROLLBACK"))
        with opened(f"sqlite:///{file}") as store:
            assert pauses
            assert store.load().apps == {}


def test_who_migrates_waits_for_another_that_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with another(file, "PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE") as other:
        pauses = in_place_of_pauses(monkeypatch, lambda: other.execute("ROLLBACK"))
        with opened(f"sqlite:///{file}") as store:
            assert pauses
            assert store.load().apps == {}


def test_a_lock_that_stays_is_told_in_the_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "START_SECONDS", 0.1)
    with another(file, "BEGIN IMMEDIATE"):
        assert "locked by another process" in refusal(f"sqlite:///{file}")
    with opened(f"sqlite:///{file}") as store:
        assert store.load().apps == {}


def test_a_file_that_cannot_have_a_log_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSharedMemory(sqlite3.Connection):
        """As on a network's file system: SQLite keeps the mode as it is, and raises nothing."""

        def execute(self, sql: str, /, *arguments: object) -> sqlite3.Cursor:
            return super().execute(sql.replace("journal_mode = WAL", "journal_mode"), *arguments)  # type: ignore[arg-type]  # whatever was given

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **b: connect(*a, **b, factory=NoSharedMemory))
    with pytest.raises(StartError, match="Put the database on a local disk"):
        SqlStore(f"sqlite:///{file}").migrate()


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_BUSY_SNAPSHOT]
)
def test_no_kind_of_lock_is_taken_for_a_bug(file: Path, code: int) -> None:
    error = sqlite3.OperationalError("locking protocol")
    error.sqlite_errorcode = code
    explained = sqlite.SqliteDatabase(str(file)).explain(DBAPIError("", {}, error))
    assert isinstance(explained, StoreUnavailableError)


PROGRAM = """
import sys
from elasticjob_cloud.store import SqlStore
print("ready", flush=True)
for url in sys.stdin:
    for _ in range(2):
        store = SqlStore(url.strip())
        store.migrate()
        store.load()
        store.secret("name", "proposal")
        store.close()
    print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_processes_that_open_and_close_an_empty_file_at_once_all_get_through(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        assert [_line(process) for process in processes] == ["ready"] * PROCESSES
        for number in range(ROUNDS):
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"sqlite:///{tmp_path}/{number}.db\n")
                process.stdin.flush()
            assert [_line(process) for process in processes] == ["done"] * PROCESSES
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()

"""SQLite: one file, one connection that writes, several that read."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    and_,
    bindparam,
    create_engine,
    delete,
    event,
    literal_column,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from elasticjob_cloud.model.errors import BugError, ElasticJobError, StartError, StoreUnavailableError
from elasticjob_cloud.store.databases.batch import Batch, UnmetError
from elasticjob_cloud.store.databases.compiled import Statement, compiled_text
from elasticjob_cloud.store.databases.size import DatabaseSize
from elasticjob_cloud.store.databases.sqlite.connection import (
    BUSY_SECONDS,
    MIGRATES,
    connect_reader,
    connect_writer,
    retry_while_locked,
)
from elasticjob_cloud.store.databases.sqlite.disk import Reserve, disk_bytes
from elasticjob_cloud.store.rows import Row

_CHECKPOINT_MILLISECONDS: Final = 500
_READERS: Final = 4
_UNLIMITED_PAGES: Final = 2**30  # SQLite's own default, 4 TiB

# unixepoch('subsec') came with SQLite 3.42; julianday has the same millisecond in every version.
_NOW_MS: Final = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"

_WORLD: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process. Let only schedulers use it, and end other programs that write to it.",
    sqlite3.SQLITE_LOCKED: "is locked by another connection. Try again.",
    sqlite3.SQLITE_PROTOCOL: "is locked by other processes for too long. Let only schedulers use it.",
    sqlite3.SQLITE_NOMEM: "cannot be used: this process is out of memory. Look at the machine.",
    sqlite3.SQLITE_FULL: "is full: there is no room left on its disk. Free some, and scheduling goes on.",
    sqlite3.SQLITE_IOERR: "cannot be read or written (I/O error). Look at the disk and the system's log.",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Look at whether its directory is there and writable, and the file readable.",
    sqlite3.SQLITE_READONLY: "is read-only. Give the scheduler's user the right to write to the file and its directory.",
    sqlite3.SQLITE_PERM: "may not be opened. Give the scheduler's user the right to.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Stop the scheduler and restore the file from a backup.",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database. Give another file in the database URL, or restore it from a backup.",
}


class SqliteDatabase:
    """An SQLite file in WAL mode, every commit synced to the disk."""

    has_clock = False
    moves = 0

    def __init__(self, file: str) -> None:
        if file in {"", ":memory:"} or file.startswith("file:"):
            raise StartError(
                "The scheduler keeps its data in a file. Give a database URL such as sqlite:////var/lib/elasticjob/cloud.db."
            )
        self._file = Path(file).absolute()
        self._reserve = Reserve(self._file)
        self._may_grow = True
        self.writer = self._engine(lambda: connect_writer(self._file), _begin_writing, connections=1)
        self.reader = self._engine(lambda: connect_reader(self._file), _begin_reading, connections=_READERS)

    def open(self) -> None:
        directory = self._file.parent
        if not directory.is_dir():
            raise StartError(f"The directory {directory} of the database does not exist. Create it.")
        # WAL keeps two more files beside the database, so that the directory must be writable too.
        for path in (directory, self._file):
            if path.exists() and not os.access(
                path, os.W_OK, effective_ids=os.access in os.supports_effective_ids
            ):
                raise StartError(
                    f"{path} is not writable. Give the scheduler's user the right to write to it."
                )
        self._make_private()
        try:
            with self.writer.connect():
                pass
        except DBAPIError as error:
            raise StartError(str(self.explain(error))) from error
        self._reserve.keep()

    def _make_private(self) -> None:
        """Make a new file for its owner alone: `props` hold secrets. SQLite gives the files beside it the same rights."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        # A file that is there keeps its rights; what else may fail, SQLite explains when it opens the file.
        with suppress(OSError):
            os.close(os.open(self._file, flags, 0o600))

    def begin_migration(self, connection: Connection) -> None:
        """Do nothing: BEGIN IMMEDIATE keeps all others out."""

    def end_stuck_leaders(self, connection: Connection) -> None:
        """Do nothing: nobody can end another process's lock on a file but the process's end."""

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.Insert(table)

    def text_of(self, statement: Statement, order: Sequence[str]) -> str:
        return compiled_text(self.writer.dialect, statement, order)

    def insert_many(self, statement: Insert, columns: Sequence[Column[Any]]) -> str:
        return self.text_of(statement, [column.name for column in columns])

    def delete_many(self, table: Table) -> str:
        keys = list(table.primary_key.columns)
        matches = and_(*(column == bindparam(f"key_{column.name}") for column in keys))
        return self.text_of(delete(table).where(matches), [f"key_{column.name}" for column in keys])

    @contextmanager
    def together(self, connection: Connection) -> Iterator[Batch]:
        with _explainable_errors():
            yield _SqliteBatch(_driver_connection(connection))

    def now_ms(self) -> ColumnElement[int]:
        return literal_column(_NOW_MS, BigInteger)

    def explain(self, error: DBAPIError, *, committing: bool = False) -> ElasticJobError:
        code = getattr(error.orig, "sqlite_errorcode", None)
        kind = code & 0xFF if code is not None else None
        if code == sqlite3.SQLITE_IOERR_SHMSIZE:
            kind = sqlite3.SQLITE_FULL  # the index of the log is what finds no room
        if kind not in _WORLD:
            return BugError(f"The database {self._file} refused a statement of ours: {error.orig}.")
        # A sync that failed says nothing of whether the commit is on the disk; in every other case it is not there.
        unknown = committing and kind == sqlite3.SQLITE_IOERR
        return StoreUnavailableError(
            f"The database {self._file} {_WORLD[kind]}",
            outcome_unknown=unknown,
            is_full=kind == sqlite3.SQLITE_FULL,
        )

    def size(self, connection: Connection) -> DatabaseSize:
        pages, unused, page_bytes = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        files = 0
        for suffix in ("", "-wal"):
            with suppress(OSError):
                files += Path(f"{self._file}{suffix}").stat().st_size
        # Room in the file serves as well as room on the disk.
        free_bytes = unused * page_bytes + (disk_bytes(self._file.parent)[1] if self._may_grow else 0)
        # A small database gives only a part of itself for it.
        wanted_bytes = min(self._reserve.size_bytes, pages * page_bytes // 4)
        return DatabaseSize(
            file_bytes=files,
            used_bytes=(pages - unused) * page_bytes,
            lacking_bytes=max(0, wanted_bytes - free_bytes),
        )

    def keep_room(self) -> bool:
        may_grow_again = not self._may_grow and self._reserve.has_room()
        if may_grow_again:
            self._limit_pages(_UNLIMITED_PAGES)
            self._may_grow = True
        self._reserve.keep()
        return may_grow_again

    def make_room(self) -> None:
        self._reserve.release()
        # The log keeps its room on the disk, and is written from its beginning again.
        with suppress(DBAPIError, sqlite3.Error):
            self._write_back("RESTART")
        # What is left is for the log alone: a file that grew into it could not be written back next time.
        self._limit_pages(1)  # SQLite takes it as "no more than there are now"
        self._may_grow = False

    def _limit_pages(self, pages: int) -> None:
        with suppress(DBAPIError, sqlite3.Error), closing(self.writer.raw_connection()) as connection:
            connection.cursor().execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def forget_sessions(self) -> None:
        """A file does not move."""

    def close(self) -> None:
        self.reader.dispose()
        # Fails while another process reads, or where the file was never opened: then the next to open it does this.
        with suppress(DBAPIError, sqlite3.Error):
            if self._file.exists():
                self._write_back("TRUNCATE")
        self.writer.dispose()
        self._reserve.release()

    def _write_back(self, mode: str) -> None:
        """Move everything from the write-ahead log into the database file, so that a copy of that file is whole."""
        with closing(self.writer.raw_connection()) as pooled:
            connection = pooled.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLISECONDS}")
            try:
                connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")

    @staticmethod
    def _engine(
        connect: Callable[[], sqlite3.Connection], begin: Callable[[Connection], None], connections: int
    ) -> Engine:
        engine = create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=30,
        )
        event.listen(engine, "begin", begin)
        return engine


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    driver_connection = _driver_connection(connection)
    with _explainable_errors():
        if not connection.get_execution_options().get(MIGRATES):
            driver_connection.execute("BEGIN IMMEDIATE")
            return
        # Another scheduler that migrates first takes as long as many rows want.
        retry_while_locked(lambda: driver_connection.execute("BEGIN IMMEDIATE"))


class _SqliteBatch:
    """Executes each statement at once: there is no way to a file that could be saved.

    It uses the driver's cursor: with SQLAlchemy's, the statements of a small turn cost twice as much.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()

    def require(self, query: str, parameters: Row) -> None:
        if self._cursor.execute(query, parameters).fetchone() is None:
            raise UnmetError

    def execute(self, statement: str, parameters: Row) -> None:
        self._cursor.execute(statement, parameters)

    def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            self._cursor.executemany(statement, rows)


@contextmanager
def _explainable_errors() -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy would, for `SqliteDatabase.explain`."""
    try:
        yield
    except sqlite3.Error as error:
        raise DBAPIError.instance(None, None, error, sqlite3.Error) from error


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    driver_connection = connection.connection.driver_connection
    assert isinstance(driver_connection, sqlite3.Connection)
    return driver_connection

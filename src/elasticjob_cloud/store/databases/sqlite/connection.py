"""One connection to an SQLite file: how it is opened, and how long it waits for the locks of others."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store.databases.sqlite.disk import PAGE_BYTES, log_pages

BUSY_SECONDS: Final = 5.0
# Schedulers that start at once create, convert and migrate the file one after the other. On a busy machine that takes
# far longer than any commit.
START_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 0.02
MIGRATES: Final = "migrates"  # the execution option of an engine whose transaction waits so long
_CACHE_KIB: Final = 32 * 1024

T = TypeVar("T")


def connect_writer(file: Path) -> sqlite3.Connection:
    """Open the file in WAL mode, every commit synced to the disk."""
    return retry_while_locked(lambda: _connect_writer(file))


def connect_reader(file: Path) -> sqlite3.Connection:
    """Open the file for queries alone."""
    return _connect(file, "ro")


def retry_while_locked(call: Callable[[], T]) -> T:
    """Repeat a call until no lock of another connection stops it, for `START_SECONDS` at most.

    SQLite's own busy timeout does not cover everything: the switch to WAL fails at once while another connection
    writes, and so does a lock that could only be waited for in a circle.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() >= deadline:
                raise
        pause(RETRY_SECONDS)


def pause(seconds: float) -> None:
    """Let others finish; tests put what the others do in its place."""
    time.sleep(seconds)


def is_locked(error: sqlite3.Error) -> bool:
    """Tell whether a lock of another connection is all that is wrong."""
    # Extended codes (a recovery or a snapshot that is busy) end in the same byte.
    return (error.sqlite_errorcode & 0xFF) in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
    }


def _connect_writer(file: Path) -> sqlite3.Connection:
    connection = _connect(file, "rwc")
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        _switch_to_wal(connection, file)
        connection.execute("PRAGMA synchronous = FULL")
        pages = log_pages(file.parent)
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        connection.execute(f"PRAGMA journal_size_limit = {4 * pages * PAGE_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection, file: Path) -> None:
    # Only once in a file's life: changing the mode needs the file for itself.
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        # SQLite raises nothing here, and would go on with a journal that lets readers block commits.
        raise StartError(
            f"The file system of {file} has no shared memory, which SQLite's write-ahead log needs. "
            "Put the database on a local disk."
        )


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say so
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )

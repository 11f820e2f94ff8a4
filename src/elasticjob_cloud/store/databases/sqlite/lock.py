"""One scheduler per SQLite file: an advisory lock that the operating system takes back when its holder dies.

Its holder knows that a lease that is still written in the database is a dead scheduler's, and need not wait for its expiry.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store.databases.url import parse_database_url


class DatabaseLock:
    """Held from construction until `release` or the end of the process.

    Raises:
        StartError: another process holds it, or the directory cannot be written.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = f"Cannot write {self._path}: {error.strerror}. Choose another --data-dir."
            raise StartError(message) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            message = (
                f"Another scheduler (process {holder}) works on {database}. Stop it first, or give this one a "
                "--data-dir of its own."
            )
            raise StartError(message) from error
        # The lock is held without it; that a disk is full the database says better.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another scheduler have the database. The file stays: to remove it would let two hold "the" lock."""
        os.close(self._descriptor)


def lock_database(database_url: str) -> DatabaseLock | None:
    """Make the directory of an SQLite file and lock the file; None for another database, which several may share.

    Raises:
        StartError: another process holds the lock, or the directory cannot be made or written.
    """
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = (
            f"Cannot make {path.parent} for the database: {error.strerror}. Choose another --database-url."
        )
        raise StartError(message) from error
    return DatabaseLock(path)

"""Apps from this machine's own disk."""

import os
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.blocking import BlockingSource
from elasticjob_cloud.agent.apps.sources.fetching import DownloadFile, Fetched, Validator

_READ_BYTES = 1024**2


class FileSource(BlockingSource):
    """Copies, so that the original file and its disk are held for a short time only."""

    def _fetch(
        self,
        address: AppAddress,
        validator: Validator,
        target: Path,
        tell: Callable[[], None],
        stop: threading.Event,
    ) -> Fetched | None:
        try:
            with closing(_RegularFile(address.local_path)) as source:
                found = source.ask_validator()
                if found == validator:
                    return None
                tell()
                sha256 = self._write(source, target, stop)
                # Written to while it was read, it may be half the old and half the new: ask for it again next time.
                settled = source.ask_validator() == found
                return Fetched(found if settled else {}, sha256)
        except OSError as error:
            raise FetchError(f"the file cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise FetchError("the file cannot be read: no file can have that name.") from error

    def _write(self, source: "_RegularFile", target: Path, stop: threading.Event) -> str:
        with DownloadFile(target, self._limits) as file:
            file.open()
            while data := source.read():
                if stop.is_set():
                    raise FetchError("the copy was stopped.")
                file.write(data)
            return file.sha256


class _RegularFile:
    """An open file that is really one: neither a directory, nor a pipe or device, whose reading may never end."""

    def __init__(self, path: str) -> None:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer that may never come.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            raise FetchError("it is not a file.")

    def read(self) -> bytes:
        return os.read(self._descriptor, _READ_BYTES)

    def ask_validator(self) -> Validator:
        status = os.fstat(self._descriptor)
        return {"mtime_ns": str(status.st_mtime_ns), "size": str(status.st_size), "inode": str(status.st_ino)}

    def close(self) -> None:
        os.close(self._descriptor)

"""Apps from this machine's own disk."""

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path

from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.fetching import DownloadFile, Fetched, Validator
from elasticjob_cloud.agent.apps.threads import run_stoppable

_READ_BYTES = 1024**2


class FileSource:
    """Copies, so that a file that is replaced meanwhile, or its disk, is let go of early."""

    def __init__(self, limits: AppLimits, executor: Executor) -> None:
        self._limits = limits
        self._executor = executor

    async def fetch(
        self, address: AppAddress, validator: Validator, target: Path, answered: Callable[[], None]
    ) -> Fetched | None:
        """See `Source.fetch`."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(answered)

        return await run_stoppable(
            self._executor, lambda stop: self._copy(address.local_path, validator, target, tell, stop)
        )

    def _copy(
        self, path: str, validator: Validator, target: Path, tell: Callable[[], None], stop: threading.Event
    ) -> Fetched | None:
        try:
            with closing(_RegularFile(path)) as source:
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
        # Without O_NONBLOCK, opening a named pipe would wait for a writer, perhaps for ever.
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

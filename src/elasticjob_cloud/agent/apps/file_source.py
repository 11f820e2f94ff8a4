"""Apps from this machine's own disk."""

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from elasticjob_cloud.agent.apps.address import AppAddress
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.fetching import DownloadFile, Fetched, Validator
from elasticjob_cloud.agent.apps.limits import AppLimits
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
            # Without O_NONBLOCK, opening a named pipe would wait for a writer, perhaps for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file can have that name"
            raise FetchError(f"the file cannot be read: {reason}.") from error
        with os.fdopen(descriptor, "rb", buffering=0) as source, DownloadFile(target, self._limits) as file:
            found = _ask_validator(descriptor)
            if found == validator:
                return None
            tell()
            while data := source.read(_READ_BYTES):
                if stop.is_set():
                    raise FetchError("the copy was stopped.")
                file.write(data)
            # Written to while it was read, it may be half the old and half the new: ask for it again next time.
            settled = _ask_validator(descriptor) == found
            return Fetched(found if settled else {}, file.sha256)


def _ask_validator(descriptor: int) -> Validator:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise FetchError("it is not a file.")
    return {"mtime_ns": str(status.st_mtime_ns), "size": str(status.st_size), "inode": str(status.st_ino)}

"""Output files that other processes write to, which know of no limit: looked at while they are open."""

import threading
import time
from contextvars import Context
from typing import Protocol

from elasticjob_cloud.sdk.streams.forks import add_reset

_LOOK_SECONDS = 0.5


class SharedFile(Protocol):
    """A file with a limit."""

    def hold_limit(self) -> bool:
        """Cut off what is beyond the limit; False when the file is closed."""
        ...


class SharedFiles:
    """Holds the limits of some files, in a thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: set[SharedFile] = set()
        self._is_working = False
        add_reset(self._leave_to_parent)

    def watch(self, file: SharedFile) -> None:
        """Look after a file until it is closed."""
        with self._lock:
            self._files.add(file)
            if self._is_working:
                return
            self._is_working = True
        Context().run(threading.Thread(target=self._work, name="elasticjob-output", daemon=True).start)

    def _leave_to_parent(self) -> None:
        """Do nothing in a forked child: its parent looks after the same files."""
        self._lock = threading.Lock()
        self._is_working = True

    def _work(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                files = list(self._files)
            closed = {file for file in files if not file.hold_limit()}
            with self._lock:
                self._files -= closed
                if not self._files:
                    self._is_working = False
                    return


shared_files = SharedFiles()

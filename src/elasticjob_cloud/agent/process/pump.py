"""Reads one output stream of a process as it comes, and keeps it."""

import os
import time

from elasticjob_cloud.agent.process.watch import Watch
from elasticjob_cloud.agent.reporting.output import ProcessOutput

_READ_BYTES = 1 << 16
# What is read at most when the process has ended: more than a pipe holds, in case a left-over child never stops writing.
_LAST_READS = 20


class OutputPump:
    """Reads one piece a turn, so that a chatty process takes no more than its share."""

    __slots__ = ("_descriptor", "_output", "_watch", "ends_line", "last_read")

    def __init__(self, watch: Watch, descriptor: int, output: ProcessOutput) -> None:
        self.last_read = 0.0  # by the monotonic clock
        self.ends_line = True
        self._watch = watch
        self._descriptor = descriptor
        self._output = output
        try:
            os.set_blocking(descriptor, False)
            watch.add(descriptor, self.read)
        except OSError:
            os.close(descriptor)
            raise

    def read(self) -> bool:
        """Keep one piece; False when there is none now, or never again."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._output.write(data)
        self.last_read = time.monotonic()
        self.ends_line = data.endswith(b"\n")
        return True

    @property
    def is_open(self) -> bool:
        """Whether somebody may still write to the pipe, as far as it was read."""
        return self._descriptor >= 0

    def read_much(self) -> None:
        """Keep what is in the pipe now."""
        for _ in range(_LAST_READS):
            if self._descriptor < 0 or not self.read():
                break

    def read_rest(self) -> None:
        """Keep what an ended process left in its pipe, and close it."""
        self.read_much()
        self.close()

    def close(self) -> None:
        """Read no more."""
        if self._descriptor >= 0:
            self._watch.remove(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

"""Terminal statuses that an agent could not tell before it ended, kept on disk for its successor."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from elasticjob_cloud.agent.reporting.backlog import shortened
from elasticjob_cloud.model.messages import TaskStatus

_log = structlog.get_logger(__name__)


# Room for some ten thousand statuses with short messages.
_RESERVE_BYTES = 2 << 20


class StatusSpool:
    """One file, written at an agent's end, and kept until all in it is acknowledged.

    Room for it is reserved while the disk has some: what ended and was not told would count as lost, and run again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = path.with_suffix(".reserve")
        self.is_kept = False

    def reserve(self) -> None:
        """Keep room on the disk for `save`; on one that is full the next agent tries again."""
        try:
            with self._reserve.open("ab") as file:
                missing = _RESERVE_BYTES - file.tell()
                if missing > 0:
                    file.write(os.urandom(missing))  # no zeros, which some file systems give no room
        except OSError as error:
            _log.warning("No room could be reserved for statuses.", error=str(error))

    def load(self) -> list[TaskStatus]:
        """Read what a predecessor left; the file stays until `clear`."""
        try:
            statuses = msgspec.msgpack.decode(self._path.read_bytes(), type=list[TaskStatus])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            _log.error(
                "The statuses of an earlier agent cannot be read.", path=str(self._path), error=str(error)
            )
            return []
        self.is_kept = True
        return statuses

    def save(self, statuses: Sequence[TaskStatus]) -> None:
        """Write what nobody has acknowledged, in place of what was there."""
        if not statuses:
            self.clear()
            return
        try:
            self._write(statuses)
        except OSError:
            self._write_into_reserve(statuses)

    def _write_into_reserve(self, statuses: Sequence[TaskStatus]) -> None:
        try:
            self._reserve.unlink(missing_ok=True)
            self._write([shortened(status) for status in statuses])
        except OSError as error:
            _log.error(
                "Statuses could not be kept for the next agent.", count=len(statuses), error=str(error)
            )

    def _write(self, statuses: Sequence[TaskStatus]) -> None:
        temporary = self._path.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(msgspec.msgpack.encode(statuses))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self.is_kept = True

    def clear(self) -> None:
        """Forget what was kept."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.is_kept = False

"""Terminal statuses that an agent could not tell before it ended, kept on disk for its successor."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from elasticjob_cloud.model.messages import TaskStatus

_log = structlog.get_logger(__name__)


class StatusSpool:
    """One file, written at an agent's end, and kept until all in it is acknowledged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_kept = False

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
        temporary = self._path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                file.write(msgspec.msgpack.encode(statuses))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            self.is_kept = True
        except OSError as error:
            _log.error(
                "Statuses could not be kept for the next agent.", count=len(statuses), error=str(error)
            )

    def clear(self) -> None:
        """Forget what was kept."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.is_kept = False

"""What an agent leaves to its successor: whom it obeyed a moment ago, so that another does not catch the successor first."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from elasticjob_cloud.agent.process.journal import read_boot_id
from elasticjob_cloud.agent.scheduler_link.frames import Hello

_EVERY_MS: Final = 5_000
_COUNTS_FOR_MS: Final = 30_000  # a scheduler that lives is back by then


class _Obeyed(msgspec.Struct, frozen=True):
    boot_id: str
    at_ms: int
    hello: Hello


class ObeyedFile:
    """The file. Times are milliseconds since this machine was started; what is from before that does not count."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept_ms: int | None = None

    def keep(self, hello: Hello, now_ms: int) -> None:
        """Write it, now and then; on a full disk the successor goes without."""
        if hello.lineage is None or (self._kept_ms is not None and now_ms - self._kept_ms < _EVERY_MS):
            return
        self._kept_ms = now_ms
        temporary = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            temporary.write_bytes(msgspec.json.encode(_Obeyed(read_boot_id(), now_ms, hello)))
            temporary.replace(self._path)

    def keep_at_once(self, hello: Hello, now_ms: int) -> None:
        """Write it: another scheduler is obeyed than before."""
        self._kept_ms = None
        self.keep(hello, now_ms)

    def read(self, now_ms: int) -> Hello | None:
        """Give who was obeyed until a moment ago, if anybody was."""
        try:
            obeyed = msgspec.json.decode(self._path.read_bytes(), type=_Obeyed)
        except (OSError, msgspec.DecodeError):
            return None
        is_recent = obeyed.boot_id == read_boot_id() and 0 <= now_ms - obeyed.at_ms <= _COUNTS_FOR_MS
        return obeyed.hello if is_recent else None

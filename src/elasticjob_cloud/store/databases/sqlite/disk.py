"""Room on the disk of an SQLite file: how much the write-ahead log takes, and a reserve for a disk that is full.

A deletion writes too: its pages go into the write-ahead log first, and from there into the file, which may have to grow
for what was committed before. On a full disk neither works. So a file beside the database holds as much room as both
need. It is deleted when a deletion finds no room, and made again when there is plenty.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 4096
_LARGEST_LOG_PAGES: Final = 4096
_LEAST_LOG_PAGES: Final = 64
_LOG_PART_OF_DISK: Final = 64


def log_pages(directory: Path) -> int:
    """Give after how many pages the write-ahead log is written back: fewer on a small disk, 16 MiB on all others."""
    pages = disk_bytes(directory)[0] // _LOG_PART_OF_DISK // PAGE_BYTES
    return max(_LEAST_LOG_PAGES, min(_LARGEST_LOG_PAGES, pages))


def disk_bytes(directory: Path) -> tuple[int, int]:
    """Give how large the disk is, and how much of it is free for us."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return 0, 0
    return disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize


class Reserve:
    """The file that keeps room free, `NAME-reserve` beside the database."""

    def __init__(self, database: Path) -> None:
        self._file = database.with_name(f"{database.name}-reserve")

    @property
    def size_bytes(self) -> int:
        """How large it is to be: enough to write a whole log back, and for as much again."""
        return 2 * log_pages(self._file.parent) * PAGE_BYTES

    def has_room(self) -> bool:
        """Tell whether it takes at most half of what is free."""
        return disk_bytes(self._file.parent)[1] >= 2 * self.size_bytes

    def keep(self) -> None:
        """Make it if it is not there and the disk has plenty of room. Without it everything else works."""
        size = self.size_bytes
        if self._file.exists() or not self.has_room():
            return
        with suppress(OSError):
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _allocate(descriptor, size)
            except OSError:
                self.release()
                raise
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Give the room to whoever writes next."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    left = size
    while left > 0:  # macOS has no such call
        left -= os.write(descriptor, bytes(min(left, 1 << 20)))

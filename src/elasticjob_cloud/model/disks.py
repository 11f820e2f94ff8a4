"""A disk, and how full it is."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

_MEBIBYTE: Final = 1 << 20


class Disk(msgspec.Struct, frozen=True, array_like=True):
    """A disk that holds some directory: where it is mounted, and how much of it is free for us."""

    mount_point: str
    free_mb: float
    total_mb: float

    @property
    def free_percent(self) -> float:
        """How much of it is free."""
        return self.free_mb * 100 / self.total_mb if self.total_mb else 100.0


def measure_disk(directory: Path) -> Disk:
    """Measure the disk that holds a directory. A disk that hangs holds up the calling thread.

    Raises:
        OSError: it cannot be measured.
    """
    place = directory.resolve(strict=True)
    usage = shutil.disk_usage(place)
    # Reserved blocks are no use to anyone but root, so `used` and `free` do not make up the total.
    return Disk(str(_mount_point(place)), usage.free / _MEBIBYTE, usage.total / _MEBIBYTE)


def measure_disks(directories: Iterable[Path]) -> tuple[Disk, ...]:
    """Measure each disk that holds some of the directories, once. What cannot be measured is left out."""
    disks: dict[str, Disk] = {}
    for directory in directories:
        try:
            disk = measure_disk(directory)
        except OSError:
            continue
        disks.setdefault(disk.mount_point, disk)
    return tuple(disks.values())


def _mount_point(place: Path) -> Path:
    device = place.stat().st_dev
    while place != place.parent and place.parent.stat().st_dev == device:
        place = place.parent
    return place

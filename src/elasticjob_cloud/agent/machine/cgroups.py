"""What the control groups (version 2) that this process is in leave it of the machine."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MEMBERSHIP = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


class ControlGroups:
    """The group of this process and all above it, whose limits count as well. In a container the root is its own group."""

    def __init__(self, membership: Path = _MEMBERSHIP, root: Path = _ROOT) -> None:
        self._directories = [root, *(root / part for part in _paths(membership))]

    def memory_bytes(self) -> int | None:
        """Give the tightest limit of memory; None when there is none."""
        limits = (_positive(words[0]) for words in self._read("memory.max") if len(words) == 1)
        return min((limit for limit in limits if limit), default=None)

    def cpus(self) -> float | None:
        """Give the tightest limit of processors; None when there is none."""
        limits = [
            quota / period
            for words in self._read("cpu.max")
            if len(words) == 2 and (quota := _positive(words[0])) and (period := _positive(words[1]))
        ]
        return min(limits, default=None)

    def _read(self, name: str) -> Iterator[list[str]]:
        for directory in self._directories:
            try:
                yield (directory / name).read_text().split()
            except (OSError, ValueError):
                continue


def _paths(membership: Path) -> Iterator[PurePosixPath]:
    try:
        lines = membership.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        group = line.removeprefix("0::/")
        if group != line and ".." not in group:
            path = PurePosixPath(group)
            yield path
            yield from path.parents


def _positive(text: str) -> int:
    """Read a limit; 0 for "max" and for what is none."""
    return int(text) if text.isdecimal() else 0

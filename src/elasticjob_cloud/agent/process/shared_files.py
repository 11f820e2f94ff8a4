"""What tasks keep in memory as files: in `/dev/shm`, and as memfds. No process's resident size has what was only written.

A new file is the tree's that has written so much, by the kernel's count of all that it wrote; of several such, the one that
has it open. What is mapped rather than written is in the processes' own counters. What was there before is nobody's.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

_DIRECTORY: Final = "/dev/shm"  # noqa: S108 - looked at, not written
_BLOCK_BYTES: Final = 512
_MOST_FILES: Final = 2000
# Less is not worth a search for its owner: semaphores and the like.
_LEAST_BYTES: Final = 4 << 20


class MemoryFile(NamedTuple):
    """A file in memory: its device and number, and what it takes."""

    key: tuple[int, int]
    size: int


class SharedFiles:
    """Who has which files in memory; `mark` names a tree, and `pids` are its processes."""

    def __init__(self, directory: str = _DIRECTORY) -> None:
        self._directory = directory
        self._owners: dict[tuple[int, int], str] = {}
        self._foreign: set[tuple[int, int]] = set()
        try:
            self._device = os.stat(directory).st_dev  # noqa: PTH116 - a str path, hot
        except OSError:
            self._device = -1
        self.note_foreign()

    def note_foreign(self) -> None:
        """No task runs: what is there now is none's."""
        self._owners.clear()
        self._foreign = {file.key for file in self._listed()}

    def look(self, trees: Mapping[str, set[int]]) -> dict[str, int]:
        """Give what each of these trees keeps in memory files, in bytes."""
        listed = {file.key: file.size for file in self._listed()}
        # What an ended task has left is nobody's any more.
        self._foreign |= {key for key, mark in self._owners.items() if mark not in trees}
        self._foreign &= listed.keys()
        self._owners = {key: mark for key, mark in self._owners.items() if mark in trees and key in listed}
        unowned = {
            key: size
            for key, size in listed.items()
            if size and key not in self._foreign and key not in self._owners
        }
        if sum(unowned.values()) >= _LEAST_BYTES:
            self._judge(unowned, trees)
        sizes = dict.fromkeys(trees, 0)
        for key, mark in self._owners.items():
            sizes[mark] += listed[key]
        return sizes

    def held_open(self, pids: set[int]) -> int:
        """Give what these processes have open for writing and no directory lists: memfds, and deleted files."""
        return sum(_open_for_writing(pids, self._device, listed=False).values())

    def _judge(self, unowned: Mapping[tuple[int, int], int], trees: Mapping[str, set[int]]) -> None:
        written = {mark: sum(map(_bytes_written, pids)) for mark, pids in trees.items()}
        opened = {mark: _open_for_writing(pids, self._device) for mark, pids in trees.items()}
        others: set[tuple[int, int]] | None = None  # what others than tasks have open
        for key, size in unowned.items():
            writers = [mark for mark, amount in written.items() if amount >= size]
            openers = [mark for mark in writers if key in opened[mark]]
            if len(openers) == 1:
                self._owners[key] = openers[0]
            elif len(writers) == 1:
                if others is None:
                    others = _open_elsewhere(set().union(*trees.values()), self._device)
                if key in others:
                    self._foreign.add(key)
                else:
                    self._owners[key] = writers[0]

    def _listed(self) -> Iterator[MemoryFile]:
        directories, count = [self._directory], 0
        while directories and count < _MOST_FILES:
            try:
                entries = list(os.scandir(directories.pop()))
            except OSError:
                continue
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        directories.append(entry.path)
                    elif stat.S_ISREG(status.st_mode):
                        yield MemoryFile((status.st_dev, status.st_ino), _size(status))


def _size(status: os.stat_result) -> int:
    """Give what is written of a file: its holes left out, and its last page as far as it is used."""
    return min(status.st_blocks * _BLOCK_BYTES, status.st_size)


def shared_memory_in_use() -> int:
    """Give what the whole machine has in memory files and shared mappings; without a word on it, as much as can be."""
    try:
        with open("/proc/meminfo", "rb") as file:  # noqa: PTH123 - hot
            for line in file:
                if line.startswith(b"Shmem:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def _open_for_writing(pids: set[int], device: int, *, listed: bool = True) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for entry in _descriptors(pids):
        with contextlib.suppress(OSError):
            if not entry.stat(follow_symlinks=False).st_mode & stat.S_IWUSR:
                continue
            status = os.stat(entry.path)  # noqa: PTH116 - a str path, hot
            matches = status.st_dev == device and (status.st_nlink > 0) is listed
            if not matches and not listed:
                matches = os.readlink(entry.path).startswith("/memfd:")  # noqa: PTH115 - hot
            if matches and stat.S_ISREG(status.st_mode):
                found[status.st_dev, status.st_ino] = _size(status)
    return found


def _descriptors(pids: Iterable[int]) -> Iterator[os.DirEntry[str]]:
    for pid in pids:
        with contextlib.suppress(OSError):
            yield from os.scandir(f"/proc/{pid}/fd")


def _bytes_written(pid: int) -> int:
    """Give what a process, and those of its children that it has waited for, have written anywhere."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:  # noqa: PTH123 - as its neighbours
            for line in file:
                if line.startswith(b"wchar:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _open_elsewhere(pids: set[int], device: int) -> set[tuple[int, int]]:
    """Give the files of the device that any other process has open."""
    names = os.listdir("/proc")  # noqa: PTH208 - hot
    others = {int(name) for name in names if name.isdecimal()} - pids
    found: set[tuple[int, int]] = set()
    for entry in _descriptors(others):
        with contextlib.suppress(OSError):
            status = os.stat(entry.path)  # noqa: PTH116 - a str path, hot
            if status.st_dev == device:
                found.add((status.st_dev, status.st_ino))
    return found

"""Writes what an archive holds, member by member, and refuses what would be unsafe or too much.

No symbolic link exists on disk until all else is written, so that no write can pass through one.
"""

import os
import stat
import threading
from pathlib import Path
from typing import Protocol

from elasticjob_cloud.agent.apps.archives.paths import Parts, check_links, check_target, shown
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits

CHUNK_BYTES = 256 * 1024
# Enough for any archive that people make; only chains built to be slow need more.
_LINK_STEPS_PER_FILE = 50
# What the kernel executes by itself: a script that names its interpreter, and a program.
_PROGRAM_MARKS = (b"#!", b"\x7fELF")
_LAST_TIME_SECONDS = 2**33


class Readable(Protocol):
    """Where a file's bytes come from; an empty answer is the end."""

    def read(self, size: int, /) -> bytes: ...


class Tree:
    """A directory that fills with an archive's members. It must be fresh, and nobody else's."""

    def __init__(self, root: Path, limits: AppLimits, stop: threading.Event) -> None:
        root.mkdir(mode=0o755)
        self._root = root
        self._limits = limits
        self._stop = stop
        self._directories: set[Parts] = {()}
        self._files: set[Parts] = set()
        self._links: dict[Parts, str] = {}
        self._entry_count = 0
        self._bytes = 0

    @property
    def file_count(self) -> int:
        """How many files and links there are."""
        return len(self._files) + len(self._links)

    def add_directory(self, parts: Parts) -> None:
        """Add a directory, which may be there already, and those above it."""
        for depth in range(1, len(parts) + 1):
            above = parts[:depth]
            if above in self._directories:
                continue
            if above in self._links or above in self._files:
                kind = "a link" if above in self._links else "a file"
                raise ContentError(f"the archive has {shown('/'.join(parts))} below {kind}.")
            self._count_entry()
            self._path(above).mkdir(mode=0o755)
            self._directories.add(above)

    def add_file(
        self, parts: Parts, source: Readable, mode: int, changed_seconds: float | None = None
    ) -> None:
        """Add a file, in place of an earlier one of that name. Of `mode`, the executable bits count."""
        self._make_way(parts)
        path = self._path(parts)
        # O_EXCL and O_NOFOLLOW: belt and braces, since no link is on disk yet.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._files.add(parts)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            is_first = True
            while chunk := source.read(CHUNK_BYTES):
                if is_first and chunk.startswith(_PROGRAM_MARKS):
                    # Packers lose run bits: on Windows, behind a umask of 077, or in stores that know none.
                    mode |= 0o755
                is_first = False
                self._count_bytes(len(chunk))
                _write_all(file.fileno(), chunk)
            os.fchmod(file.fileno(), _file_mode(mode))
            if changed_seconds is not None:
                # Compiled Python remembers the time of its source, so it is worth keeping.
                seconds = min(max(changed_seconds, 0.0), _LAST_TIME_SECONDS)
                os.utime(file.fileno(), (seconds, seconds))

    def add_hard_link(self, parts: Parts, target: Parts) -> None:
        """Add another name of a file or link that was added before."""
        if parts == target and (target in self._files or target in self._links):
            return
        if target in self._links:
            self.add_symbolic_link(parts, self._links[target])
            return
        if target not in self._files:
            raise ContentError(
                f"the archive has a hard link to what is not a file in it: {shown('/'.join(parts))} -> "
                f"{shown('/'.join(target))}."
            )
        self._make_way(parts)
        os.link(self._path(target), self._path(parts), follow_symlinks=False)
        self._files.add(parts)

    def add_symbolic_link(self, parts: Parts, target: str) -> None:
        """Note a symbolic link, to be made by `finish`."""
        if not _is_program(target):
            check_target(target, "/".join(parts))
        self._make_way(parts)
        self._links[parts] = target

    def finish(self) -> None:
        """Make the symbolic links, if none of them leaves the tree. Nothing is added after that."""
        check_links(self._links, _LINK_STEPS_PER_FILE * self._limits.file_count)
        for parts, target in self._links.items():
            self._path(parts).symlink_to(target)

    def _make_way(self, parts: Parts) -> None:
        if not parts or parts in self._directories:
            raise ContentError(f"the archive has {shown('/'.join(parts) or '.')} both as directory and file.")
        self.add_directory(parts[:-1])
        self._count_entry()
        if self._links.pop(parts, None) is None and parts in self._files:
            self._path(parts).unlink()
            self._files.remove(parts)

    def _path(self, parts: Parts) -> Path:
        return self._root.joinpath(*parts)

    def _count_entry(self) -> None:
        self._require_going()
        self._entry_count += 1
        if self._entry_count > self._limits.file_count:
            raise ContentError(f"the archive has more than {self._limits.file_count:,} files, the limit.")

    def _count_bytes(self, count: int) -> None:
        self._require_going()
        self._bytes += count
        if self._bytes > self._limits.extracted_bytes:
            raise ContentError(
                f"the archive unfolds to more than {self._limits.extracted_bytes:,} bytes, the limit."
            )

    def _require_going(self) -> None:
        if self._stop.is_set():
            raise FetchError("the extraction was stopped.")


def _is_program(target: str) -> bool:
    # A packed virtualenv links to its interpreter. Nothing can be written below such a link, nor through it while the
    # archive is extracted, since links are made last.
    try:
        mode = Path(target).stat().st_mode if target.startswith("/") else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR)


def _file_mode(mode: int) -> int:
    # setuid and the like, and writing by others, are dropped; the owner can always read and replace.
    kept = (mode & 0o755) | 0o600
    return kept if kept & stat.S_IXUSR else kept & ~0o111


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

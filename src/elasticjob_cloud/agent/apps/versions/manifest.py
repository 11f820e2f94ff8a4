"""What an app's files were when they were extracted, to see whether a job has changed them since.

What jobs add counts for nothing: their own files, and Python's compiled ones, are there for the next run.
"""

import contextlib
import itertools
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

# So many are looked at on the event loop, which takes as long as starting a process does.
_FEW = 100
# Looking closely at thousands of files is worth no more than this share of the time.
_CLOSE_LOOK_SHARE = 0.05


class FileMark(msgspec.Struct, frozen=True, array_like=True):
    """A file, directory or link as it was."""

    path: bytes
    """Below the app's directory."""
    mode: int
    size: int
    changed_ns: int
    inode: int

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


class Inspection:
    """Looks at an app's files: at all of them if they are few, else at some now and at all now and then."""

    def __init__(self, content: Path, manifest: Path, *, is_noted: bool = True) -> None:
        """`is_noted`: a manifest was written; agents of before made none."""
        self._is_noted = is_noted
        self._content = os.fsencode(content)
        self._manifest = manifest
        self._few: list[FileMark] | None = None
        self._directories: list[FileMark] = []
        self._close_look_due = float("-inf")

    def prepare(self) -> None:
        """Read what is to be looked at. Blocking."""
        self.look_closely()

    def is_changed(self) -> bool | None:
        """Tell whether a file is gone or another; None: not known without a close look. Does not block for long."""
        if self._few is None or any(self._differs(mark) for mark in self._few):
            # Before the first close look, nothing is known.
            return None if self._few is None else True
        if any(_mark(self._content, mark.path) != mark for mark in self._directories):
            return None
        return False

    def has_lost_files(self) -> bool:
        """Tell whether a file or directory is gone, as far as a short look tells."""
        return any(not self._is_there(mark) for mark in self._few or ())

    def _is_there(self, mark: FileMark) -> bool:
        now = _mark(self._content, mark.path)
        return now is not None and stat.S_IFMT(now.mode) == stat.S_IFMT(mark.mode)

    def is_close_look_due(self) -> bool:
        """Tell whether a close look would not come too soon after the last one, for what it costs."""
        return time.monotonic() >= self._close_look_due

    def look_closely(self) -> str | None:
        """Look at all files. Blocking. Returns: the first that is gone or another; None when all are as they were."""
        started = time.monotonic()
        try:
            marks = msgspec.msgpack.decode(self._manifest.read_bytes(), type=list[FileMark])
        except (OSError, msgspec.MsgspecError):
            if self._is_noted:
                return self._manifest.name
            marks = []
        by_depth = sorted(marks, key=lambda mark: (not mark.is_directory, mark.path.count(b"/")))
        few = by_depth[:_FEW]
        # Their times first: what changes during the look shows at the next one.
        directories = [] if len(marks) <= _FEW else self._directories_of(few)
        changed = next((mark for mark in marks if self._differs(mark)), None)
        self._few, self._directories = few, directories
        now = time.monotonic()
        self._close_look_due = now + (now - started) / _CLOSE_LOOK_SHARE if len(marks) > _FEW else now
        return None if changed is None else os.fsdecode(changed.path)

    def _directories_of(self, marks: list[FileMark]) -> list[FileMark]:
        found = [_mark(self._content, mark.path) for mark in marks if mark.is_directory]
        top = _mark(self._content, b"")
        return [mark for mark in (top, *found) if mark is not None]

    def _differs(self, was: FileMark) -> bool:
        try:
            now = os.lstat(self._content + b"/" + was.path)
        except OSError:
            return True
        if now.st_mode != was.mode and (stat.S_IFMT(now.st_mode ^ was.mode) or was.mode & ~now.st_mode):
            # Run bits may come: the agent itself gives them to a script that lacks them.
            return True
        if stat.S_ISDIR(was.mode):
            return False
        return (now.st_size, now.st_mtime_ns, now.st_ino) != (was.size, was.changed_ns, was.inode)


def write_manifest(content: Path, manifest: Path) -> None:
    """Note what is there now. Blocking; raises `OSError`."""
    top = os.fsencode(content)
    marks = [mark for path in _paths(top) if (mark := _mark(top, path)) is not None]
    manifest.write_bytes(msgspec.msgpack.encode(marks))


def _paths(top: bytes) -> Iterator[bytes]:
    for above, directories, files in os.walk(top):
        for name in itertools.chain(directories, files):
            yield (above + b"/" + name)[len(top) + 1 :]


def _mark(top: bytes, path: bytes) -> FileMark | None:
    with contextlib.suppress(OSError):
        status = os.lstat(top + b"/" + path)
        return FileMark(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
    return None

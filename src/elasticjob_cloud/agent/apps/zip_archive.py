"""Reads zip archives member by member; what may be written, and where, is judged by `Tree`."""

import io
import stat
import zipfile
from pathlib import Path

from elasticjob_cloud.agent.apps.errors import ContentError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.paths import member_parts, shown
from elasticjob_cloud.agent.apps.tree import Tree

_UNIX = 3
_ENCRYPTED = 0x1
_DIRECTORY_BYTES_PER_FILE = 128
_SMALLEST_DIRECTORY_BYTES = 1024**2
_MAXIMUM_TARGET_BYTES = 4096


class _BoundedReads(io.FileIO):
    """A file that gives no more than so much at once: zipfile reads a zip's whole table of contents into memory."""

    def __init__(self, path: Path, maximum_bytes: int) -> None:
        super().__init__(path, "rb")
        self._maximum_bytes = maximum_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        # zipfile asks for "the rest" only of the last 64 KiB, where it looks for the table's place.
        if size is not None and size > self._maximum_bytes:
            raise ContentError("the archive has more files than the limit.")
        return super().read(size) or b""


def extract_zip(archive: Path, tree: Tree, limits: AppLimits) -> None:
    """Add the archive's members to the tree. Raises `ContentError`, or whatever the parser raises."""
    directory_bytes = max(limits.file_count * _DIRECTORY_BYTES_PER_FILE, _SMALLEST_DIRECTORY_BYTES)
    with _BoundedReads(archive, directory_bytes) as file, zipfile.ZipFile(file) as zip_file:
        members = zip_file.infolist()
        if len(members) > limits.file_count:
            raise ContentError(f"the archive has more than {limits.file_count:,} files, the limit.")
        for member in members:
            _add_member(zip_file, member, tree)


def _add_member(zip_file: zipfile.ZipFile, member: zipfile.ZipInfo, tree: Tree) -> None:
    # Some Windows tools write separators that the format does not allow.
    name = member.filename.replace("\\", "/")
    parts = member_parts(name)
    mode = member.external_attr >> 16 if member.create_system == _UNIX else 0
    if name.endswith("/"):
        tree.add_directory(parts)
        return
    if member.flag_bits & _ENCRYPTED:
        raise ContentError(
            f"the archive is encrypted: {shown(name)}. Apps must be packed without a password."
        )
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise ContentError(
            f"the archive has a device, a pipe or something else that is no file: {shown(name)}."
        )
    with zip_file.open(member) as content:
        if stat.S_ISLNK(mode):
            target = content.read(_MAXIMUM_TARGET_BYTES).decode("utf-8", "surrogateescape")
            tree.add_symbolic_link(parts, target)
        else:
            tree.add_file(parts, content, stat.S_IMODE(mode) or 0o644)

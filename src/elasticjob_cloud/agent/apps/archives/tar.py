"""Reads tar archives member by member. tarfile parses; what may be written, and where, is judged by `Tree`.

tarfile's own filters are not relied on: Python 3.11 has them from 3.11.4 on only, and they know no limits.
"""

import tarfile
import threading
from pathlib import Path
from typing import Self

from elasticjob_cloud.agent.apps.archives.kinds import ArchiveKind
from elasticjob_cloud.agent.apps.archives.paths import member_parts, shown
from elasticjob_cloud.agent.apps.archives.streams import ForwardReader, open_decompressed
from elasticjob_cloud.agent.apps.archives.tree import Tree
from elasticjob_cloud.agent.apps.errors import ContentError
from elasticjob_cloud.agent.apps.limits import AppLimits

# Long names, extended attributes and the map of a sparse file, all of one member.
_HEADER_BYTES = 1024**2
_OVERHEAD_BYTES_PER_FILE = 4096

# GNU tar's own kinds (`tar -V`, `tar -G`).
_VOLUME_LABEL, _DIRECTORY_LISTED = b"V", b"D"

_ReadError = tarfile.ReadError
# typeshed lacks these.
_InvalidHeaderError: type[tarfile.HeaderError] = tarfile.InvalidHeaderError  # type: ignore[attr-defined]
_EmptyHeaderError: type[tarfile.HeaderError] = tarfile.EmptyHeaderError  # type: ignore[attr-defined]
_TruncatedHeaderError: type[tarfile.HeaderError] = tarfile.TruncatedHeaderError  # type: ignore[attr-defined]


class _StrictTarInfo(tarfile.TarInfo):
    """tarfile takes a broken header for the end of the archive; half an app must not pass for a whole one."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except (_InvalidHeaderError, _TruncatedHeaderError) as error:
            raise _ReadError(str(error)) from error
        except _EmptyHeaderError as error:
            # Cut off between two members, all that is there is whole.
            raise _ReadError("its end mark is missing, so it was cut off") from error


def extract_tar(
    archive: Path, kind: ArchiveKind, tree: Tree, limits: AppLimits, stop: threading.Event
) -> None:
    """Add the archive's members to the tree. Raises `ContentError`, or whatever its parsers raise."""
    maximum_bytes = limits.extracted_bytes + limits.file_count * _OVERHEAD_BYTES_PER_FILE + _HEADER_BYTES
    with open_decompressed(archive, kind) as stream:
        reader = ForwardReader(stream, maximum_bytes, stop)
        reader.header_bytes = _HEADER_BYTES
        with tarfile.TarFile(
            fileobj=reader, mode="r", tarinfo=_StrictTarInfo, encoding="utf-8", errors="surrogateescape"
        ) as tar:
            while (member := tar.next()) is not None:
                reader.header_bytes = None
                _add_member(tar, member, tree)
                _forget_headers(tar)
                reader.header_bytes = _HEADER_BYTES
            reader.drain()


def _add_member(tar: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree) -> None:
    if member.type == _VOLUME_LABEL:
        return
    parts = member_parts(member.name)
    if member.isdir() or member.type == _DIRECTORY_LISTED:
        tree.add_directory(parts)
    elif member.issym():
        tree.add_symbolic_link(parts, member.linkname)
    elif member.islnk():
        tree.add_hard_link(parts, member_parts(member.linkname))
    elif member.isreg():
        content = tar.extractfile(member)
        assert content is not None, "a regular member has content"
        with content:
            tree.add_file(parts, content, member.mode, float(member.mtime))
    else:
        raise ContentError(
            f"the archive has a device, a pipe or something else that is no file: {shown(member.name)}."
        )


def _forget_headers(tar: tarfile.TarFile) -> None:
    # It would keep every member in memory, with headers of up to a megabyte each.
    tar.members.clear()  # type: ignore[attr-defined]  # typeshed lacks it
    if sum(len(key) + len(value) for key, value in tar.pax_headers.items()) > _HEADER_BYTES:
        raise ContentError("the archive has a header that is too long.")

"""Reads zip archives member by member; what may be written, and where, is judged by `Tree`."""

import io
import stat
import zipfile
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.paths import member_parts, shown
from elasticjob_cloud.agent.apps.archives.tree import Tree
from elasticjob_cloud.agent.apps.archives.zip_names import member_names
from elasticjob_cloud.agent.apps.errors import ContentError
from elasticjob_cloud.agent.apps.limits import AppLimits

_UNIX_SYSTEMS = frozenset({3, 19})  # 19: macOS
_DOS_DIRECTORY = 0x10
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_AES = 99
_KNOWN_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
# APPNOTE 4.4.5
_METHOD_NAMES = {
    1: "Shrink",
    **dict.fromkeys((2, 3, 4, 5), "Reduce"),
    6: "Implode",
    9: "Deflate64",
    10: "PKWARE DCL Implode",
    16: "IBM CMPSC",
    18: "IBM TERSE",
    19: "IBM LZ77",
    20: "Zstandard",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
}
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
        for member, name in zip(members, member_names(members), strict=True):
            _add_member(zip_file, member, name, tree)


def _add_member(zip_file: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, tree: Tree) -> None:
    # Some Windows tools write separators that the format does not allow.
    name = name.replace("\\", "/")
    parts = member_parts(name)
    mode = _unix_mode(member)
    if _is_directory(member, name, mode):
        tree.add_directory(parts)
        return
    if member.flag_bits & _ENCRYPTED or member.compress_type == _AES:
        raise ContentError(
            f"the archive is encrypted: {shown(name)}. Apps must be packed without a password."
        )
    if member.compress_type not in _KNOWN_METHODS:
        raise ContentError(_unknown_method(member.compress_type, name))
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


def _unix_mode(member: zipfile.ZipInfo) -> int:
    mode = member.external_attr >> 16
    if member.create_system in _UNIX_SYSTEMS:
        return mode
    # 7-Zip and others keep the mode there too, and call themselves DOS; from others it is noise.
    return mode if stat.S_IFMT(mode) in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK} else 0


def _is_directory(member: zipfile.ZipInfo, name: str, mode: int) -> bool:
    # The format asks for a slash at the end; some packers only say it in the attributes.
    by_dos = bool(member.external_attr & _DOS_DIRECTORY) and not member.file_size and not stat.S_IFMT(mode)
    return name.endswith("/") or stat.S_ISDIR(mode) or by_dos


def _unknown_method(method: int, name: str) -> str:
    title = _METHOD_NAMES.get(method, "an unknown method")
    return (
        f"the archive is compressed by {title} (method {method}), which cannot be unpacked here: {shown(name)}. "
        "Pack it with Deflate (`zip -r`, or in 7-Zip `-mm=Deflate`), or as .tar.gz."
    )

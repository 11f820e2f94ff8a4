"""Decides what a download is: by its first bytes, and by its name where the bytes leave a choice."""

import threading
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.kinds import (
    SINGLE_KINDS,
    ArchiveKind,
    archive_kind,
    compressed_tar,
    compression_of,
    is_used_whole,
)
from elasticjob_cloud.agent.apps.archives.looks import (
    HEAD_BYTES,
    compression_by,
    is_tar,
    is_zip,
    require_known_format,
    require_some_app,
)
from elasticjob_cloud.agent.apps.archives.streams import open_decompressed
from elasticjob_cloud.agent.apps.archives.tree import CHUNK_BYTES
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits

_ENCODINGS = {
    "gzip": ArchiveKind.GZIP,
    "x-gzip": ArchiveKind.GZIP,
    "bzip2": ArchiveKind.BZIP2,
    "xz": ArchiveKind.XZ,
    "zstd": ArchiveKind.ZSTANDARD,
}
KNOWN_ENCODINGS = frozenset(_ENCODINGS)


def recognise(download: Path, name: str, *, is_decoded: bool = False) -> ArchiveKind | None:
    """Tell what to do with a download: extract it, decompress it, or (None) keep it as it is.

    `is_decoded`: its server may have compressed it on its own, so that it need not be as compressed as its name says.

    Raises:
        NoAppError: It is nothing, or an HTML page.
        ContentError: It is not what its name says, or in a format that cannot be unpacked here.
    """
    promised = archive_kind(name)
    head = _head_of(download, None)
    require_some_app(head, name, promised)
    if promised is None and is_used_whole(name):
        return None
    compression = compression_by(head)
    if compression is not None:
        return _kind_within(download, name, compression, promised)
    if is_zip(head):
        return ArchiveKind.ZIP
    if is_tar(head):
        return ArchiveKind.TAR
    require_known_format(head)
    if promised is ArchiveKind.ZIP:
        # A zip that extracts itself begins with its program.
        return ArchiveKind.ZIP
    if promised is None or (is_decoded and promised in SINGLE_KINDS):
        return None
    raise ContentError(f"it is not a readable {promised.value} file: it does not begin like one.")


def undo_encodings(
    download: Path,
    promised: ArchiveKind | None,
    encodings: tuple[str, ...],
    limits: AppLimits,
    stop: threading.Event,
) -> Path:
    """Give the file as it was before its server compressed it: the download, or a file with it that starts with its name.

    Servers also call the compression that is the file's own an encoding: a `.tar.gz` stays one.
    """
    for encoding in reversed(encodings):
        compression = _ENCODINGS.get(encoding)
        if compression is None or compression_by(_head_of(download, None)) is not compression:
            continue
        is_its_own = compression_of(promised) is compression
        if is_its_own and compression_by(_head_of(download, compression)) is not compression:
            continue
        download = _decompress(download, compression, limits, stop)
    return download


def _kind_within(
    download: Path, name: str, compression: ArchiveKind, promised: ArchiveKind | None
) -> ArchiveKind:
    head = _head_of(download, compression)
    require_some_app(head, name.removesuffix(compression.value), promised)
    if is_tar(head):
        return compressed_tar(compression)
    if promised is not None and promised not in SINGLE_KINDS:
        raise ContentError(f"it is not a readable {promised.value} file: what is compressed is no archive.")
    return compression


def _head_of(path: Path, compression: ArchiveKind | None) -> bytes:
    pieces: list[bytes] = []
    wanted = HEAD_BYTES
    with open_decompressed(path, compression) as stream:
        while wanted > 0 and (piece := stream.read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
    return b"".join(pieces)


def _decompress(path: Path, compression: ArchiveKind, limits: AppLimits, stop: threading.Event) -> Path:
    decoded = path.with_name(f"{path.name}.decoded")
    size = 0
    with open_decompressed(path, compression) as stream, decoded.open("xb") as file:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limits.download_bytes:
                raise ContentError(
                    f"it is larger than {limits.download_bytes:,} bytes, the limit of a download."
                )
            if stop.is_set():
                raise FetchError("the extraction was stopped.")
            file.write(chunk)
    return decoded

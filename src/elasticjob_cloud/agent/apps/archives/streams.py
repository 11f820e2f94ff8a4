"""Decompression with bounded memory, and a reader that keeps tarfile from asking for more than a header should need."""

import bz2
import gzip
import io
import lzma
import threading
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from elasticjob_cloud.agent.apps.archives.kinds import ArchiveKind
from elasticjob_cloud.agent.apps.archives.tree import CHUNK_BYTES
from elasticjob_cloud.agent.apps.archives.zstandard_frames import require_whole_frames
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError

# `xz -9` needs 65 MiB and `zstd --ultra -22` 128 MiB; a file that says it needs gigabytes is not one of ours.
_XZ_MEMORY_BYTES = 256 * 1024**2
_ZSTANDARD_WINDOW_BYTES = 128 * 1024**2
# tarfile goes back by one byte, to see whether the last member was whole.
_KEPT_BYTES = 512


class Stream(Protocol):
    """Decompressed bytes; an empty answer is the end."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class XzReader:
    """What `lzma.open` does, with a limit to the memory that the file may ask for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = b""
        self._decompressor = self._new_decompressor()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._decompressor.eof and not self._next_stream():
                return b""
            compressed = b""
            if self._decompressor.needs_input:
                compressed = self._pending or self._file.read(CHUNK_BYTES)
                self._pending = b""
                if not compressed:
                    raise EOFError("the compressed data ends too early")
            data = self._decompressor.decompress(compressed, size)
            if data:
                return data

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def _new_decompressor() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)

    def _next_stream(self) -> bool:
        # Streams may follow one another, with zeros between them.
        rest = self._decompressor.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._file.read(CHUNK_BYTES)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._pending = rest
        self._decompressor = self._new_decompressor()
        return True


class ForwardReader(io.BufferedIOBase):
    """A stream that can be told where it is, skipped forward and taken back a little: as much as tarfile needs.

    `header_bytes`, when set, is how much may still be read: tarfile takes the length of a header from the archive,
    and would read gigabytes into memory if told so. Data is read in chunks, with `header_bytes` None.
    """

    def __init__(self, source: Stream, maximum_bytes: int, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self.header_bytes: int | None = None
        self._source = source
        self._maximum_bytes = maximum_bytes
        self._buffer = b""
        self._buffer_start = 0
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset < self._buffer_start:
            raise io.UnsupportedOperation("this stream only goes forward")
        while offset > self._buffer_start + len(self._buffer) and self._load():
            pass
        self._position = min(offset, self._buffer_start + len(self._buffer))
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise io.UnsupportedOperation("this stream is read in parts")
        if self.header_bytes is not None:
            self.header_bytes -= size
            if self.header_bytes < 0:
                raise ContentError("the archive has a header that is too long.")
        pieces: list[bytes] = []
        while size > 0:
            start = self._position - self._buffer_start
            piece = self._buffer[start : start + size]
            if not piece and not self._load():
                break
            pieces.append(piece)
            size -= len(piece)
            self._position += len(piece)
        return b"".join(pieces)

    def drain(self) -> None:
        """Read to the end, so that a checksum there is checked."""
        while self._load():
            pass

    def _load(self) -> bool:
        if self._stop.is_set():
            # Zeros after an archive's end cost time too, though no member comes of them.
            raise FetchError("the extraction was stopped.")
        chunk = self._source.read(CHUNK_BYTES)
        if not chunk:
            return False
        kept = self._buffer[-_KEPT_BYTES:]
        self._buffer_start += len(self._buffer) - len(kept)
        self._buffer = kept + chunk
        if self._buffer_start + len(self._buffer) > self._maximum_bytes:
            raise ContentError("the archive unfolds to more than the limit allows.")
        return True


def open_decompressed(path: Path, kind: ArchiveKind | None) -> AbstractContextManager[Stream]:
    """Open a file of this kind (None: a plain one) for reading what was compressed."""
    match kind:
        case ArchiveKind.TAR_GZIP | ArchiveKind.GZIP:
            return gzip.open(path, "rb")
        case ArchiveKind.TAR_BZIP2 | ArchiveKind.BZIP2:
            return bz2.open(path, "rb")
        case ArchiveKind.TAR_XZ | ArchiveKind.XZ:
            return closing(XzReader(path.open("rb")))
        case ArchiveKind.TAR_ZSTANDARD | ArchiveKind.ZSTANDARD:
            require_whole_frames(path)
            decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTANDARD_WINDOW_BYTES)
            return decompressor.stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
        case ArchiveKind.TAR | ArchiveKind.ZIP | None:
            return path.open("rb")

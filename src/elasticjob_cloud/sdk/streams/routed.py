"""The streams below `sys.stdout` and `sys.stderr`, made of Python's own classes.

A stream that somebody took hold of before, such as `sys.__stdout__` or that of a log handler, ends in a `RoutedRaw` too: it
asks whose bytes they are at the moment they are written. So none of these streams may hold bytes back.
"""

import contextlib
import gc
import io
import os
from typing import Any, TextIO, cast

from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.sdk.descriptors import duplicate_high, identify
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard

_DESCRIPTORS: dict[StreamName, int] = {"stdout": 1, "stderr": 2}


class OwnStream:
    """The process's own stdout or stderr, for what belongs to no shard."""

    def __init__(self, name: StreamName, stream: TextIO | None = None) -> None:
        """Write to a stream, or to the process's file descriptor if none is given."""
        self.name = name
        self._stream = stream
        self._descriptor = _DESCRIPTORS[name]
        self._identity: tuple[int, int] | None = None

    def keep(self) -> None:
        """Write to the file that the descriptor is now, also when job code closes it or puts another in its place."""
        with contextlib.suppress(OSError):
            self._identity = identify(self._descriptor)
            self._descriptor = duplicate_high(self._descriptor)

    def renew(self) -> None:
        """In a forked child, whose descriptors 1 and 2 are its shard's."""
        if self._identity is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._identity, self._descriptor = None, _DESCRIPTORS[self.name]

    def fileno(self) -> int:
        if self._stream is not None:
            return self._stream.fileno()
        if self._identity is not None and identify(self._descriptor) != self._identity:
            return _DESCRIPTORS[self.name]  # job code has closed every other one
        return self._descriptor

    def write(self, data: bytes) -> None:
        """Write. Never raises: there may be nobody left who reads it."""
        try:
            if self._stream is not None:
                self._stream.write(data.decode("utf-8", "backslashreplace"))
                self._stream.flush()
                return
            while data:
                data = data[os.write(self.fileno(), data) :]
        except (OSError, ValueError):
            pass


class RoutedRaw(io.RawIOBase):
    """Takes bytes for the shard that writes them, else for the shard it was made for, else for the process."""

    def __init__(self, own: OwnStream, maker: Shard | None = None) -> None:
        self._own = own
        self._maker = maker
        self.name = f"<{own.name}>"
        self.mode = "wb"
        self.wrappings = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        self.wrappings += 1  # every TextIOWrapper asks once, when it is made
        return False

    def write(self, data: Any) -> int:
        content = bytes(data)
        shard = current_shard.get()
        if shard is not None and shard.output.write(self._own.name, content):
            return len(content)
        maker = self._maker
        if maker is None or maker is shard or not maker.output.write(self._own.name, content):
            self._own.write(content)
        return len(content)

    def flush(self) -> None:
        """Make half a line visible."""
        shard = current_shard.get() or self._maker
        if shard is not None:
            shard.output.flush(self._own.name)

    def fileno(self) -> int:
        shard = current_shard.get() or self._maker
        descriptor = None if shard is None else shard.output.fileno(self._own.name)
        return self._own.fileno() if descriptor is None else descriptor

    def isatty(self) -> bool:
        try:
            return os.isatty(self.fileno())
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Stay open: job code that closes `sys.stdout` must not silence its neighbours."""


class RoutedBuffer(io.BufferedWriter):
    """A `sys.stdout.buffer` that holds nothing back."""

    def __init__(self, raw: RoutedRaw) -> None:
        super().__init__(raw, 1)
        self._routed = raw
        self._wrappings_seen = 0

    def write(self, data: Any) -> int:
        # Past the buffer of its class: what lay there for a moment might be written in another thread's name.
        return self._routed.write(data)

    def flush(self) -> None:
        self._routed.flush()

    def close(self) -> None:
        """Stay open, as `RoutedRaw`: Python's own close gives the memory back that the next write needs."""

    def make_text(self) -> TextIO:
        """Return a text stream like the one that Python starts with."""
        text = io.TextIOWrapper(
            self, encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=True
        )
        cast("Any", text).mode = "w"
        self._wrappings_seen = self._routed.wrappings
        return text

    def find_wrappers(self) -> list[io.TextIOWrapper]:
        """Return the text streams that job code has put around this buffer."""
        if self._routed.wrappings == self._wrappings_seen:
            return []
        return [found for found in gc.get_referrers(self) if isinstance(found, io.TextIOWrapper)]

    def renew(self) -> None:
        """Drop the lock, which a thread may hold that a forked child does not have, and the bytes."""
        super().__init__(self._routed, 1)


class _ClosableRaw(RoutedRaw):
    """Below a buffer of Python's own making, which must know that it is closed."""

    def close(self) -> None:
        io.RawIOBase.close(self)


class CommonBuffer:
    """Takes the place of the process's own buffer, below streams that were made before the first shard."""

    def __init__(self, own: OwnStream, before: io.BufferedWriter | io.FileIO) -> None:
        self._raw = RoutedRaw(own)
        self.buffer = RoutedBuffer(self._raw)
        for holder in gc.get_referrers(before):
            self._exchange(holder, before)
        self._wrappings_seen = self._raw.wrappings
        self._before = before if isinstance(before, io.BufferedWriter) else None
        self._before_raw = _ClosableRaw(own)
        if self._before is not None:
            # The same object, for those who hold it and were not found.
            io.BufferedWriter.__init__(self._before, self._before_raw, 1)

    def flush(self) -> None:
        """Write what streams around it hold back; those that are new shall do so no more."""
        if self._raw.wrappings != self._wrappings_seen:
            self._wrappings_seen = self._raw.wrappings
            for found in gc.get_referrers(self.buffer):
                hold_nothing_back(found)
        if self._before is not None:
            flush_quietly(self._before)

    def renew(self) -> None:
        """As `RoutedBuffer.renew`."""
        self.buffer.renew()
        if self._before is not None and not self._before_raw.closed:
            io.BufferedWriter.__init__(self._before, self._before_raw, 1)

    def _exchange(self, holder: object, before: object) -> None:
        if isinstance(holder, io.TextIOWrapper):
            flush_quietly(holder)
            self.lead_text(holder, holder.encoding, holder.errors or "strict")
        elif isinstance(holder, dict):
            for key in [key for key, value in holder.items() if value is before]:
                holder[key] = self.buffer
        elif getattr(holder, "stream", None) is before:
            cast("Any", holder).stream = self.buffer  # a writer of `codecs`

    def lead_text(self, text: io.TextIOWrapper, encoding: str, errors: str) -> None:
        """Have a stream that is in many hands write through this buffer."""
        mode = getattr(text, "mode", "w")
        io.TextIOWrapper.__init__(
            text, self.buffer, encoding=encoding, errors=errors, line_buffering=True, write_through=True
        )
        cast("Any", text).mode = mode


def flush_quietly(stream: object) -> None:
    """Flush whatever job code has made of a stream."""
    flush = getattr(stream, "flush", None)
    try:
        if flush is not None:
            flush()
    except Exception:  # noqa: BLE001, S110 - detached, closed, or job code of its own: its loss alone
        pass


def hold_nothing_back(stream: object) -> None:
    """Have a text stream pass everything on at once."""
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(OSError, ValueError):  # detached or closed
            stream.reconfigure(write_through=True)

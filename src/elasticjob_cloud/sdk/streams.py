"""Routing of what job code prints and logs to the shard that it belongs to.

Installed once in an executor: `sys.stdout` and `sys.stderr` are replaced by streams that ask whose text it is, threads
started by a shard inherit it, and records of a program without logging configuration go to the shard's stderr.
"""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from elasticjob_cloud.sdk.shard import StreamName, current_shard

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RoutedStream(io.TextIOBase):
    """Stands for `sys.stdout` or `sys.stderr`: text of a shard goes to its output, all other to the process's own."""

    def __init__(self, own: TextIO, name: StreamName) -> None:
        self._own = own
        self._name: StreamName = name
        self._buffer = _RoutedBuffer(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute here
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # as above
        return "backslashreplace"

    @property
    def buffer(self) -> "_RoutedBuffer":
        return self._buffer

    @property
    def line_buffering(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        shard = current_shard.get()
        if shard is None or not shard.output.write(self._name, text):
            self._own.write(text)
        return len(text)

    def flush(self) -> None:
        shard = current_shard.get()
        if shard is not None:
            shard.output.flush(self._name)
        else:
            self._own.flush()

    def fileno(self) -> int:
        return self._own.fileno()

    def isatty(self) -> bool:
        return self._own.isatty()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Stay open: job code that closes `sys.stdout` must not silence its neighbours."""


class _RoutedBuffer(io.RawIOBase):
    """`sys.stdout.buffer` of a routed stream, for job code that writes bytes."""

    def __init__(self, stream: RoutedStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        text = bytes(cast("bytes", data))
        self._stream.write(text.decode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Stay open, as the stream does; also when it is collected, after the process's own stream maybe."""


class ShardLogHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter(LOG_FORMAT))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # typeshed has a plain attribute here
        return sys.stderr


def install_routing() -> None:
    """Route print, logging and threads of this process. A second call changes nothing."""
    if isinstance(sys.stdout, RoutedStream):
        return
    own_out, own_error = sys.stdout, sys.stderr
    for stream in (own_out, own_error):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    routed_out, routed_error = RoutedStream(own_out, "stdout"), RoutedStream(own_error, "stderr")
    sys.stdout = cast("TextIO", routed_out)
    sys.stderr = cast("TextIO", routed_error)
    for handler in _stream_handlers():
        if handler.stream is own_out:
            handler.setStream(sys.stdout)
        elif handler.stream is own_error:
            handler.setStream(sys.stderr)
    install_default_logging()
    _inherit_shards()


@contextmanager
def routing() -> Iterator[None]:
    """Route print, logging and threads for a while, inside a test say, and leave all as it was."""
    own_out, own_error, start_thread = sys.stdout, sys.stderr, threading.Thread.start
    root, handler = logging.getLogger(), ShardLogHandler()
    level = root.level
    sys.stdout = cast("TextIO", RoutedStream(own_out, "stdout"))
    sys.stderr = cast("TextIO", RoutedStream(own_error, "stderr"))
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO))
    _inherit_shards()
    try:
        yield
    finally:
        threading.Thread.start = start_thread  # type: ignore[method-assign]  # as it was
        root.setLevel(level)
        root.removeHandler(handler)
        sys.stdout, sys.stderr = own_out, own_error


def tell_process(message: str) -> None:
    """Write a line to the executor's own stderr, whatever shard is current."""
    stream = sys.stderr
    own = stream._own if isinstance(stream, RoutedStream) else stream  # noqa: SLF001 - its own module
    own.write(f"elasticjob-cloud: {message}\n")
    own.flush()


def _stream_handlers() -> Iterator[logging.StreamHandler[TextIO]]:
    """Yield the handlers that were configured before the streams were replaced and still hold the old ones."""
    loggers = [logging.getLogger(), *logging.getLogger().manager.loggerDict.values()]
    for logger in loggers:
        if isinstance(logger, logging.Logger):
            yield from (handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler))


def install_default_logging() -> None:
    """Write records to stderr, from INFO on, if the program configures no logging of its own."""
    # `lastResort` rather than a handler on the root: a `basicConfig` in job code, at any time, still takes effect.
    handler = logging.lastResort = ShardLogHandler()
    root = logging.getLogger()
    configure = logging.basicConfig

    def basic_config(**options: Any) -> None:
        # `logging.warning(...)` and its like call this without options when nothing was configured.
        if options or root.handlers:
            configure(**options)
        else:
            root.addHandler(handler)

    logging.basicConfig = basic_config
    if not root.handlers and root.level == logging.WARNING:
        root.setLevel(logging.INFO)


def _inherit_shards() -> None:
    """Let a thread work for the shard that starts it: before Python 3.14 threads do not inherit contexts."""
    start_thread = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        shard = current_shard.get()
        if shard is not None:
            run = thread.run

            def run_for_shard() -> None:
                del thread.run  # ends the reference cycle
                current_shard.set(shard)
                run()

            thread.run = run_for_shard  # type: ignore[method-assign]  # on this one instance, as subclasses do
        start_thread(thread)

    threading.Thread.start = start  # type: ignore[method-assign,assignment]  # for the life of the process

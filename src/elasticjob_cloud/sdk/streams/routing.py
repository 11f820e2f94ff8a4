"""Routing of what job code prints and logs to the shard that it belongs to.

Installed once in an executor: `sys.stdout` and `sys.stderr` are led by `shard_streams`, also where somebody took hold of them
before; threads started by a shard inherit it; and records of a program without logging configuration go to its stderr.
"""

import functools
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from elasticjob_cloud.model.output.output_file import STREAMS, StreamName
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard
from elasticjob_cloud.sdk.streams.forks import end_if_forked
from elasticjob_cloud.sdk.streams.launches import lead_launches
from elasticjob_cloud.sdk.streams.routed import (
    CommonBuffer,
    OwnStream,
    flush_quietly,
)
from elasticjob_cloud.sdk.streams.shard_streams import Routing, activate, deactivate

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


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
    if Routing.active is not None:
        return
    routing = Routing(is_lasting=True)
    for name in STREAMS:
        _take_over(routing, name)
    activate(routing)
    install_default_logging()
    lead_launches()
    _inherit_shards()


@contextmanager
def routing() -> Iterator[None]:
    """Route print, logging and threads for a while, inside a test say, and leave all as it was."""
    before, streams, start_thread = Routing.active, dict(_streams_of_sys()), threading.Thread.start
    root, handler = logging.getLogger(), ShardLogHandler()
    level = root.level
    routing = Routing(is_lasting=False)
    for name in STREAMS:
        own = getattr(sys, name)
        routing.add(OwnStream(name, own), own)
    activate(routing)
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO))
    _inherit_shards()
    try:
        yield
    finally:
        threading.Thread.start = start_thread  # type: ignore[method-assign]  # as it was
        root.setLevel(level)
        root.removeHandler(handler)
        deactivate(streams, before)


def write_own(name: StreamName, data: bytes) -> None:
    """Write to a stream of the process itself, whatever shard is current."""
    own = Routing.active.own[name] if Routing.active is not None else OwnStream(name, getattr(sys, name))
    own.write(data)


def tell_process(message: str) -> None:
    """Write a line to the executor's own stderr, whatever shard is current."""
    write_own("stderr", f"elasticjob-cloud: {message}\n".encode("utf-8", "backslashreplace"))


def _streams_of_sys() -> Iterator[tuple[StreamName, object]]:
    for name in STREAMS:
        yield name, vars(sys)[name]


def _take_over(routing: Routing, name: StreamName) -> None:
    """Lead a stream of the process, and what job code made of it while its modules were imported."""
    present, first = getattr(sys, name), getattr(sys, f"__{name}__")
    flush_quietly(present)
    flush_quietly(first)
    bottom = _bottom_of(first) or _bottom_of(present)
    if bottom is None:
        routing.add(OwnStream(name, present), present)  # no file: a test's, or none at all
        return
    own = OwnStream(name)
    own.keep()
    common = CommonBuffer(own, bottom)
    if isinstance(first, io.TextIOWrapper) and _bottom_of(first) is common.buffer:
        common.lead_text(first, "utf-8", "backslashreplace")
    routing.add(own, present, is_chosen=present is not first)
    routing.watch(common)


def _bottom_of(stream: object) -> io.BufferedWriter | io.FileIO | None:
    """Find what a stream of the process writes to: a buffer, or with `python -u` the file itself."""
    for attribute in ("buffer", "stream"):
        try:
            below = getattr(stream, attribute, None)
        except ValueError:  # detached
            continue
        if isinstance(below, io.BufferedWriter | io.FileIO):
            return below
    return stream if isinstance(stream, io.BufferedWriter | io.FileIO) else None


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
    pools = _Pools()

    def start(thread: threading.Thread) -> None:
        shard = current_shard.get()
        if shard is not None:
            run = thread.run

            def run_for_shard() -> None:
                del thread.run  # ends the reference cycle
                current_shard.set(shard)
                process = os.getpid()
                try:
                    run()
                except BaseException as failure:
                    end_if_forked(process, failure)
                    raise
                end_if_forked(process, None)

            thread.run = run_for_shard  # type: ignore[method-assign]  # on this one instance, as subclasses do
        pools.lead()
        start_thread(thread)

    threading.Thread.start = start  # type: ignore[method-assign,assignment]  # for the life of the process


class _Pools:
    """Lets threads of a pool work for the shard that submits, rather than for the one that made them start."""

    def __init__(self) -> None:
        self._is_led = False

    def lead(self) -> None:
        """Look whether there are pools; they are slow to import for those who have none."""
        pool: Any = getattr(sys.modules.get("concurrent.futures.thread"), "ThreadPoolExecutor", None)
        if self._is_led or pool is None:
            return
        self._is_led = True
        submit = pool.submit

        @functools.wraps(submit)
        def submit_for_shard(self: Any, function: Any, /, *arguments: Any, **options: Any) -> Any:
            shard = current_shard.get()
            if shard is None:
                return submit(self, function, *arguments, **options)
            return submit(self, _run_for, shard, function, arguments, options)

        pool.submit = submit_for_shard


def _run_for(shard: Shard, function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    before = current_shard.set(shard)
    try:
        return function(*arguments, **options)
    finally:
        current_shard.reset(before)

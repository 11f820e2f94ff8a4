"""Forks of job code: a forked child keeps nothing of ours, prints where its shard prints, and ends where it would return to us.

It is a copy of an executor with one thread left, the one that forked. Without this, the copy would go on as a worker, with a
copy of the queue; keep connections open that others wait to see closed; and wait for locks of threads that it has not.
"""

import contextlib
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from elasticjob_cloud.model.output.output_file import STREAMS
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard
from elasticjob_cloud.sdk.streams.launches import lead_descriptors
from elasticjob_cloud.sdk.streams.shard_streams import flush_streams, renew_streams

_connections: set[socket.socket] = set()
_resets: list[Callable[[], object]] = []
_held = threading.local()


def hide_connection(connection: socket.socket) -> None:
    """Close a socket in every forked child: who waits at its other end must see that we are gone."""
    _connections.add(connection)


def forget_connection(connection: socket.socket) -> None:
    """It is about to be closed here."""
    _connections.discard(connection)


def add_reset(reset: Callable[[], object]) -> None:
    """Call a function in every forked child."""
    _resets.append(reset)


def end_if_forked(process: int, failure: BaseException | None) -> None:
    """Do nothing in the process that came here first; end a forked child of it, which has come to the end of its work."""
    if os.getpid() != process:
        end_child(failure)


def end_child(failure: BaseException | None) -> NoReturn:
    """End a forked child as the interpreter ends: with what it raised on stderr, and the exit code that follows."""
    code = 1
    try:
        code = _exit_code(failure)
        current = threading.current_thread()
        for thread in threading.enumerate():
            if thread is not current and not thread.daemon:
                thread.join()
        _flush(current_shard.get())
    finally:
        os._exit(code)


def _exit_code(failure: BaseException | None) -> int:
    if failure is None:
        return 0
    if not isinstance(failure, SystemExit):
        traceback.print_exception(failure)
        return 1
    if failure.code is None or isinstance(failure.code, int):
        return (failure.code or 0) & 0xFF
    traceback.print_exception(failure)
    return 1


def _flush(shard: Shard | None) -> None:
    if shard is not None:
        flush_streams(shard)
        for name in STREAMS:
            shard.output.flush(name)


def _before() -> None:
    # What is unwritten now would be written twice.
    _flush(current_shard.get())
    # A signal that reaches the child before it has reset our handler would be lost, and `Pool.terminate` wait for ever.
    _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _in_parent() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)
    shard = current_shard.get()
    if shard is not None:
        for name in STREAMS:
            shard.output.fileno(name)  # shared from now on: its limit is held here


def _in_child() -> None:
    try:
        _forget_all()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)
    shard = current_shard.get()
    renew_streams(shard)
    if shard is not None:
        shard.output.renew()
        lead_descriptors(shard)


def _forget_all() -> None:
    for connection in _connections:
        # Detached, so that a collected socket object does not close a descriptor that is another's by then.
        with contextlib.suppress(OSError):
            os.close(connection.detach())
    _connections.clear()
    for reset in _resets:
        reset()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)

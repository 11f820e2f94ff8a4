"""Waits for many descriptors of child processes at the price of one.

All pipes and pidfds sit in an epoll of our own, and only that one is registered with the event loop: `loop.add_reader`
takes 15 times longer than `epoll.register`, and a short script needs three of them. Elsewhere than on Linux the loop's own
readers do.
"""

import asyncio
import select
import sys
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)
# One turn of the loop serves this many descriptors, so that commands and executors get theirs (promise 11).
_EVENTS_PER_TURN = 128


class Watch:
    """Calls back when a descriptor can be read. Used on the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._epoll: select.epoll | None = None
        if sys.platform == "linux":
            self._epoll = select.epoll()
            loop.add_reader(self._epoll.fileno(), self._dispatch)

    def add(self, descriptor: int, callback: Callable[[], object]) -> None:
        """Call `callback` whenever `descriptor` is readable or at its end.

        Raises:
            OSError: the kernel watches no more descriptors.
        """
        if self._epoll is not None:
            self._epoll.register(descriptor, select.EPOLLIN)
        else:
            self._loop.add_reader(descriptor, self._call, descriptor)
        self._callbacks[descriptor] = callback

    def remove(self, descriptor: int) -> None:
        """Forget the descriptor; to be called before it is closed."""
        del self._callbacks[descriptor]
        if self._epoll is not None:
            self._epoll.unregister(descriptor)
        else:
            self._loop.remove_reader(descriptor)

    def close(self) -> None:
        """Stop watching altogether."""
        for descriptor in list(self._callbacks):
            self.remove(descriptor)
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _dispatch(self) -> None:
        assert self._epoll is not None
        for descriptor, _ in self._epoll.poll(0, _EVENTS_PER_TURN):
            self._call(descriptor)

    def _call(self, descriptor: int) -> None:
        callback = self._callbacks.get(descriptor)
        if callback is None:
            return
        try:
            callback()
        except Exception:  # noqa: BLE001 - one task's fault must not stop the others
            _log.exception("A callback of a child process failed.", descriptor=descriptor)

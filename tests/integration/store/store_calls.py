"""Calls of a store that wait for something, or are to be made until they succeed."""

import threading
import time
from collections.abc import Callable
from typing import Any

from elasticjob_cloud.model.errors import StoreUnavailableError

DEADLINE_SECONDS = 10.0


class Call(threading.Thread):
    """A call in a thread of its own, whose result one can wait for."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._result: Any = None
        self.start()

    def run(self) -> None:
        self._result = self._call()

    def result(self) -> Any:
        self.join(DEADLINE_SECONDS)
        assert not self.is_alive(), "it hangs"
        return self._result


def until(attempt: Callable[[], Any]) -> Any:
    """Repeat until it gives something, and give that; unavailable is nothing."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            result = attempt()
        except StoreUnavailableError:
            result = None
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("it never came true")

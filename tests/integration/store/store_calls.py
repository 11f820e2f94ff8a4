"""Calls of a store that wait for something, or are to be made until they succeed."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from elasticjob_cloud.model.errors import StoreUnavailableError
from tests.waiting import wait_for

T = TypeVar("T")
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


def when_available(attempt: Callable[[], T | None], what: str) -> T:
    """Repeat until it gives something true, and give that; to be unavailable is to give nothing."""

    def read() -> T | None:
        try:
            return attempt()
        except StoreUnavailableError:
            return None

    return wait_for(read, what, DEADLINE_SECONDS)

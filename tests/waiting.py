"""How tests wait for what others do: until it is so, and never longer than a deadline.

    wait_for(server.is_ready, "the server is ready")                            # in a thread; gives what was read
    await until(lambda: not process.runs(), "the process ends")                 # in an event loop
    await world.until(lambda: "t" in world.ended)                               # what is told wakes it

The first two look again and again at something that tells nobody, and go on as soon as a look succeeds. Their sleeps only
set how often they look: no test depends on how long one takes.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 30.0  # for a busy machine; less than a test's time limit
_STEP_SECONDS = 0.01
_SHOWN_CHARACTERS = 4_000


def wait_for(read: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Read until there is something true, and give that; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < deadline, _in_vain(what, seconds, value)
        time.sleep(_STEP_SECONDS)
    return value


async def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait in an event loop for what nobody tells: it is looked at until it is true; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, _in_vain(what, seconds, value)
        await asyncio.sleep(_STEP_SECONDS)


class Told:
    """Keeps what a test is told, and wakes those that wait for it. A subclass says what that is."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def told(self) -> object:
        """Give what was told up to now, for the message of a wait in vain."""
        raise NotImplementedError

    def note_change(self) -> None:
        """Have all that wait look again."""
        self._changed.set()

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until what was told meets the condition; fail after the deadline."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                _in_vain("what was told meets the condition", seconds, self.told())
            ) from None


def run_in_selector_loop(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario to its end in asyncio's plain loop, whatever loop is installed."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(scenario)


def _in_vain(what: str, seconds: float, seen: object) -> str:
    return f"not within {seconds:g} s: {what}; seen last: {seen!r}"[:_SHOWN_CHARACTERS]

"""Waiting for what a kill could not interrupt: a request, a child process."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")
# A kill is an exception between two bytecodes, so that the waiting thread must run some now and then.
_LOOK_SECONDS = 0.1
# Longer than the grace of a script, shorter than an agent's.
_CANCEL_SECONDS = 4.0


def wait_for(work: Callable[[], Result], cancel: Callable[[], None]) -> Result:
    """Do work in a thread of its own and wait for it.

    No exception of a kill strikes that thread, so that it cleans up undisturbed. What is raised while waiting cancels
    the work, and is raised on when it has ended.

    Args:
        work: What to do.
        cancel: Makes `work` end soon, also if it has not begun.

    Raises:
        BaseException: What `work` raised.
    """
    run = _Run(work)
    try:
        run.thread.start()
        while not run.ended.wait(_LOOK_SECONDS):
            pass
    except BaseException:
        cancel()
        run.ended.wait(_CANCEL_SECONDS)
        raise
    return run.result()


class _Run(Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._failure: BaseException | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name="elasticjob-work", daemon=True)

    def result(self) -> Result:
        if self._failure is not None:
            raise self._failure
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as failure:  # noqa: BLE001 - raised by `result`, in the thread that waits
            self._failure = failure
        finally:
            self.ended.set()

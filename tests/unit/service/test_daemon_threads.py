"""Threads that nobody waits for work as a thread pool does."""

import subprocess
import sys
import threading
from concurrent.futures import CancelledError

import pytest

from elasticjob_cloud.service.threads.daemon_threads import DaemonThreads

SECONDS = 30


def test_results_and_errors_are_given() -> None:
    threads = DaemonThreads(2, "test")

    def fail() -> None:
        raise KeyError("x")

    assert [threads.submit(pow, 2, n).result(SECONDS) for n in range(5)] == [1, 2, 4, 8, 16]
    assert isinstance(threads.submit(fail).exception(SECONDS), KeyError)
    assert threads.submit(int, "7", base=8).result(SECONDS) == 7
    threads.shutdown()


def test_calls_run_beside_each_other_up_to_the_number_of_threads() -> None:
    threads = DaemonThreads(3, "test")
    together = threading.Barrier(3, timeout=SECONDS)
    assert len({f.result(SECONDS) for f in [threads.submit(together.wait) for _ in range(3)]}) == 3
    threads.shutdown()


def test_one_thread_runs_calls_in_their_order() -> None:
    threads = DaemonThreads(1, "test")
    order: list[int] = []
    for number in range(100):
        threads.submit(order.append, number)
    threads.shutdown()
    assert order == list(range(100))


def test_after_a_shutdown_nothing_is_taken_and_what_waits_is_cancelled() -> None:
    threads = DaemonThreads(1, "test")
    goes_on = threading.Event()
    begun = threading.Event()

    def hang() -> str:
        begun.set()
        goes_on.wait(SECONDS)
        return "done"

    hanging, waiting = threads.submit(hang), threads.submit(int)
    assert begun.wait(SECONDS)
    threads.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        waiting.result(SECONDS)
    with pytest.raises(RuntimeError):
        threads.submit(int)
    goes_on.set()
    assert hanging.result(SECONDS) == "done"


@pytest.mark.slow
def test_a_call_that_never_returns_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import threading; from elasticjob_cloud.service.threads.daemon_threads import DaemonThreads as D; "
        "begun = threading.Event(); t = D(1, 'x'); "
        "t.submit(lambda: (begun.set(), threading.Event().wait())); begun.wait(); t.shutdown(wait=False)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=SECONDS).returncode == 0

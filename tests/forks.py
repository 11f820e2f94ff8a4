"""Schedulers as processes that are forks of one that has imported all of it once: to import it takes longer than what
most of them are started for. In all else such a process is like any other.

    command = ForkedCommand(["standalone", "--port", "0"], environment, log)   # as a shell would start the console script
    FORKS.Process(target=..., args=...)                                       # something of a test's own
"""

import atexit
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from elasticjob_cloud import entry

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [__name__, "tests.integration.service.scheduler_processes", "tests.imported_once"]
)


class ForkedCommand:
    """The console script with these arguments; `subprocess.Popen` has the same names for what may be done to it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        log.touch()
        # Not a daemon in the sense of multiprocessing, which would keep it from having processes of its own.
        self._process = FORKS.Process(target=_run, args=(list(arguments), dict(environment), str(log)))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Give its exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end, and give its exit code."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"it has not ended within {seconds} s"
        return self._process.exitcode

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def _run(arguments: list[str], environment: dict[str, str], log: str) -> None:
    with Path(log).open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["elasticjob-cloud", *arguments]
    try:
        entry.main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out

"""Starts the agent of a directory as a process of its own, and ends one that does not answer."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import msgspec

from elasticjob_cloud.agent.process.start.environment import agent_environment
from elasticjob_cloud.agent.reporting.ending import describe_exit
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.output.excerpt import cause_in

_END_SECONDS = 10.0


class AgentLauncher:
    """The agent process that this one has started, if it has. Its methods block: call them in a thread.

    `subprocess.Popen` in a thread, since the loop may be uvloop's, whose own processes would die with it.
    `detach`: let the agent be no child of this process, for one that is ended with all its children.
    """

    def __init__(self, place: AgentDirectory, settings: AgentSettings, *, detach: bool = False) -> None:
        self._place = place
        self._settings = settings
        self._detach = detach
        self._process: subprocess.Popen[bytes] | None = None
        self._last_end = ""

    def start(self) -> None:
        """Start an agent, unless one that was started before is still about to come up or to go.

        Raises:
            StartError: no process can be started, or its directory cannot be written.
        """
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._last_end = self._last_end or f" with {describe_exit(self._process.returncode)}"
        arguments = [
            sys.executable,
            "-m",
            "elasticjob_cloud.agent",
            "--directory",
            str(self._place.path),
        ]
        arguments += ["--settings", "-", "--starter", str(os.getpid())]
        arguments += ["--detach"] * self._detach
        try:
            with self._place.start_log.open("wb") as log:
                self._process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=self._place.path,
                    env=agent_environment(os.environ, self._settings.pass_env),
                    start_new_session=True,
                )
            send_settings(self._process, msgspec.json.encode(self._settings))
        except OSError as error:
            raise StartError(f"The agent cannot be started in {self._place.path}: {error}") from error

    def fault(self) -> str:
        """Say how the agent that was started failed; empty while it runs, or when it ended as it should."""
        if self._process is None or not self._process.poll():
            return ""
        words = f"The agent ended with {describe_exit(self._process.returncode)}"
        with contextlib.suppress(OSError):
            return f"{words}: {cause_in(self._place.start_log.read_text(errors='replace'))}"
        return f"{words}."

    def take_last_end(self) -> str:
        """Say how the agent before the present one ended, as the end of a sentence; empty when that is not known."""
        said, self._last_end = self._last_end, ""
        return said

    def end_present(self) -> bool:
        """Kill the process that has the directory, if one runs; what it ran, its successor ends. True when one was."""
        present = self._place.read_process()
        if present is None or not present.runs():
            return False
        self._last_end = " because it did not answer and was killed"
        with contextlib.suppress(ProcessLookupError):
            os.kill(present.pid, signal.SIGKILL)
        deadline = time.monotonic() + _END_SECONDS
        while present.runs() and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        return True

    def reap(self) -> None:
        """Take note of the end of the process, so that it does not stay a zombie."""
        if self._process is not None:
            self._process.poll()

    def let_go(self) -> None:
        """Leave the agent to itself: it outlives this scheduler, or ends before it and must not stay a zombie."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            threading.Thread(target=process.wait, name="wait-for-agent", daemon=True).start()


def send_settings(process: subprocess.Popen[bytes], settings: bytes) -> None:
    """Send a process its settings through its input: everybody on the machine can read arguments."""
    assert process.stdin is not None
    # Whatever ended it so early, it is told by its exit code.
    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
        stream.write(settings)

"""Jobs of type `SCRIPT`: the executor runs `script.command.line` for each shard, as the agent does for script jobs.

The scheduler gives a job with that property to the agent, and no executor sees it. So this is for local runs, and for
agents of other makes.
"""

import codecs
import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TextIO

from elasticjob_cloud.model.errors import JobExecutionError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.output.excerpt import last_line
from elasticjob_cloud.model.scripts.command_line import takes_argument, trimmed
from elasticjob_cloud.sdk.jobs.killable_wait import wait_for
from elasticjob_cloud.sdk.jobs.process_groups import add_group, remove_group

COMMAND_LINE = "script.command.line"
CONTEXT = "script.pass.context"
_READ_BYTES = 1 << 16
_TAIL_CHARACTERS = 4000
_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 2.0
# Output that is still in the pipes when all is over is read for so long at most.
_LAST_OUTPUT_SECONDS = 0.5


def run_script(context: ShardingContext) -> None:
    """Run the command of a shard, its output into the task's.

    Raises:
        JobExecutionError: If its exit code is not 0, or there is no command.
    """
    command = trimmed(context.props.get(COMMAND_LINE, ""))
    if not command:
        raise JobExecutionError(
            f"A job of type SCRIPT needs the property {COMMAND_LINE}, the command to run."
        )
    if context.props.get(CONTEXT, "true").strip().lower() != "false" and takes_argument(command):
        command = f"{command} {shlex.quote(context.to_json())}"
    script = _Script(command, context.environment())
    code = wait_for(script.run, script.cancel)
    if code:
        words = f"exit code {code}" if code > 0 else f"signal {_signal_name(-code)}"
        raise JobExecutionError(f"The command ended with {words}{script.last_words()}")


class _Script:
    """A shell command, leader of a process group of its own, which ends with it."""

    def __init__(self, command: str, environment: dict[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._lock = threading.Lock()
        self._cancelled = False
        self._grace_ends = 0.0  # by the monotonic clock; what the shell had started has it too
        self._process: subprocess.Popen[bytes] | None = None
        self._pumps: list[_Pump] = []

    def run(self) -> int:
        """Run it to its end; give its exit code, or minus the signal that ended it."""
        process = self._start()
        if process is None:
            return -signal.SIGTERM
        with process:  # closes the pipes
            try:
                self._pass_on_output(process)
            except BaseException:
                self._signal(signal.SIGKILL)
                raise
            finally:
                self._end(process)
        return process.returncode

    def last_words(self) -> str:
        """Give the last line that it printed to stderr, else to stdout, as the end of a sentence."""
        lines = [last_line(pump.tail) for pump in reversed(self._pumps)]
        return next((f": {line}" for line in lines if line), ".")

    def cancel(self) -> None:
        """Ask the command to end, and make it end a little later."""
        self._grace_ends = time.monotonic() + _GRACE_SECONDS
        self._signal(signal.SIGTERM)
        timer = threading.Timer(_GRACE_SECONDS, self._signal, [signal.SIGKILL])
        timer.daemon = True
        timer.start()

    def _start(self) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            if self._cancelled:
                return None
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", self._command],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
            add_group(self._process.pid)
            return self._process

    def _signal(self, number: int) -> None:
        with self._lock:
            self._cancelled = True
            if self._process is not None and self._process.returncode is None:
                _signal_group(self._process.pid, number)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait, and end what it left behind, when the grace of a cancelled command is over."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        while not _has_exited(process):  # macOS before Python 3.13
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            process.wait()
        # Whoever is in the group keeps its number from others.
        while time.monotonic() < self._grace_ends and _is_group(process.pid):
            time.sleep(_LOOK_SECONDS)
        _signal_group(process.pid, signal.SIGKILL)
        remove_group(process.pid)

    def _pass_on_output(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None, "a pipe"
        assert process.stderr is not None, "a pipe"
        with selectors.DefaultSelector() as selector:
            self._pumps = [_Pump(process.stdout, sys.stdout), _Pump(process.stderr, sys.stderr)]
            for pump in self._pumps:
                selector.register(pump.pipe, selectors.EVENT_READ, pump)
            until = float("inf")
            while selector.get_map() and time.monotonic() < until:
                for key, _ in selector.select(_LOOK_SECONDS):
                    if not key.data.pass_on():
                        selector.unregister(key.fileobj)
                if until == float("inf") and _has_exited(process):
                    if time.monotonic() >= self._grace_ends:
                        # What it left in the background may hold the pipes for ever.
                        _signal_group(process.pid, signal.SIGKILL)
                    until = max(time.monotonic(), self._grace_ends) + _LAST_OUTPUT_SECONDS


class _Pump:
    """From a pipe to a stream of the task."""

    def __init__(self, pipe: IO[bytes], stream: TextIO) -> None:
        self.pipe = pipe
        self.tail = ""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pass_on(self) -> bool:
        """Pass on what is there; False at the end."""
        data = os.read(self.pipe.fileno(), _READ_BYTES)
        text = self._decoder.decode(data, final=not data)
        if text:
            self.tail = (self.tail + text)[-_TAIL_CHARACTERS:]
            self._stream.write(text)
            self._stream.flush()
        return bool(data)


def _has_exited(process: "subprocess.Popen[bytes]") -> bool:
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _is_group(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"

"""Processes that run shards, for jobs that keep a core busy (executor service `PROCESS`).

A worker process is this program started once more with the same command line: its jobs are those of the bootstrap
script, whatever they are made of, and no lock is inherited in a bad state, as a fork of many threads would do.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import ClassVar, cast

from elasticjob_cloud.model.wire import ExecutorStatus
from elasticjob_cloud.sdk.descriptors import protect_connection
from elasticjob_cloud.sdk.endings import EXIT_DESCRIPTORS_CLOSED
from elasticjob_cloud.sdk.execution import Report, bug_status, conclude, failed_status, now_ms
from elasticjob_cloud.sdk.lanes.worker_protocol import (
    LAST_KEY,
    MESSAGE_KEY,
    WORKER_SOCKET_VARIABLE,
    ProcessRequest,
)
from elasticjob_cloud.sdk.notifications.error_handlers import messages
from elasticjob_cloud.sdk.notifications.message import FailureMessage
from elasticjob_cloud.sdk.shards.shard import Shard, TaskKilledError
from elasticjob_cloud.sdk.streams.forks import add_reset, forget_connection, hide_connection

# In the environment of the executor: how long a bootstrap script may take until its worker process serves.
START_VARIABLE = "ELASTICJOB_WORKER_START_SECONDS"
_START_SECONDS = 60.0
_LOOK_MS = 100
_KILLED = "The task was killed before its worker process had started."
_GRACE_SECONDS = 2.0
# Where the command line's relative paths were true, whatever the bootstrap script did later.
_start_directory = os.getcwd()  # noqa: PTH109 - given to Popen as it is


class ProcessPool:
    """Runs shards in worker processes, at most `size` at a time; a process is started when one is needed first."""

    def __init__(self, report: Report, size: int) -> None:
        self._report = report
        self._size = size
        self._queue: SimpleQueue[Shard] = SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._drivers = 0

    def submit(self, shard: Shard) -> None:
        """Run a shard as soon as a worker process is free."""
        with self._lock:
            self._unfinished += 1
            needed = self._unfinished > self._drivers and self._drivers < self._size
            self._drivers += needed
        self._queue.put(shard)
        if needed:
            threading.Thread(target=self._drive, name="elasticjob-process", daemon=True).start()

    def _drive(self) -> None:
        # This thread lives as long as its processes: Linux ends them when the thread that started them ends.
        process = WorkerProcess()
        while True:
            shard = self._queue.get()
            try:
                process.run(shard, self._report)
            except BaseException as bug:  # noqa: BLE001 - a lane less would be a silent end of its shard
                self._report(bug_status(shard, bug, now_ms()))
            del shard
            with self._lock:
                self._unfinished -= 1


class WorkerProcess:
    """One worker process, started when needed and started again after it died or was killed."""

    _alive: ClassVar[set[subprocess.Popen[bytes]]] = set()
    add_reset(_alive.clear)  # a forked child must not end the workers of its parent

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @classmethod
    def kill_all(cls) -> None:
        """End every worker process of this executor at once."""
        for process in list(cls._alive):
            process.kill()

    def run(self, shard: Shard, report: Report) -> None:
        """Run a shard in the process, to its terminal status, which is reported here in every case."""
        started_ms = now_ms()
        try:
            problem = self._ensure_started(lambda: shard.killed)
            if not shard.enter(self._terminate):
                return
            status = self._refusal(shard, problem) if problem else self._exchange(shard, started_ms, report)
        except TaskKilledError:
            status = None
        shard.settle()  # a process that was killed is discarded: there is nothing to take back
        if shard.killed:
            self.discard()
            conclude(shard, started_ms, None, report)
        elif status is not None:
            report(status)

    def discard(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._alive.discard(self._process)
        if self._connection is not None:
            forget_connection(self._connection)
            self._connection.close()
        self._process = self._connection = None

    def _ensure_started(self, is_killed: Callable[[], bool]) -> str:
        """Start the process if it is not there; give what went wrong, or nothing."""
        if self._process is not None and self._process.poll() is None:
            return ""
        self.discard()
        if is_killed():
            return _KILLED
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, *sys.orig_argv[1:]],
                    env={**os.environ, WORKER_SOCKET_VARIABLE: str(theirs.fileno())},
                    cwd=_start_directory,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
        except OSError as error:
            ours.close()
            return f"A worker process could not be started: {error}."
        self._alive.add(self._process)
        self._connection = protect_connection(ours)
        hide_connection(self._connection)
        self._lines = self._connection.makefile("rb")
        problem = self._await_start(self._connection, is_killed)
        if problem:
            self.discard()
        return problem

    def _await_start(self, connection: socket.socket, is_killed: Callable[[], bool]) -> str:
        """Wait until the process serves; give what went wrong, or nothing."""
        seconds = _start_seconds()
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while not poll.poll(_LOOK_MS):
            if is_killed():
                return _KILLED
            if time.monotonic() > deadline:
                return (
                    f"A worker process did not come to JobBootstrap.execute within {seconds:g} seconds, and was ended. "
                    f"What stands above it in the bootstrap script hangs or takes long; {START_VARIABLE} gives it longer."
                )
        if self._lines.readline():
            return ""
        return f"A worker process {self._describe_end()} before it came to JobBootstrap.execute; its stderr says why."

    def _exchange(self, shard: Shard, started_ms: int, report: Report) -> ExecutorStatus | None:
        request: ProcessRequest = {
            "job": shard.job,
            "task": shard.task,
            "outputLimitBytes": shard.output.limit_bytes,
            "currentJobEventSamplingCount": shard.context.current_job_event_sampling_count,
            "allowSendJobEvent": shard.context.allow_send_job_event,
        }
        assert self._connection is not None, "started before"
        try:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            for line in self._lines:
                told = json.loads(line)
                if MESSAGE_KEY in told:
                    messages.post(FailureMessage(**told[MESSAGE_KEY]))
                    continue
                is_last = told.pop(LAST_KEY, False)
                status = cast("ExecutorStatus", told)
                if is_last:
                    self.discard()
                if status["state"] != "TASK_RUNNING":
                    return status
                report(status)
        except (OSError, ValueError):
            pass  # it died while it wrote or read
        message = f"The worker process {self._describe_end()} while it ran this shard."
        return {**failed_status(shard, "TASK_FAILED", started_ms, message), "message": message}

    def _refusal(self, shard: Shard, problem: str) -> ExecutorStatus:
        return {"taskId": shard.context.task_id, "state": "TASK_ERROR", "message": problem}

    def _terminate(self) -> None:
        """Ask job code in the process to end, by TaskKilledError; end the process if that does not help."""
        process = self._process
        if process is None:
            return
        process.terminate()
        timer = threading.Timer(_GRACE_SECONDS, process.kill)
        timer.daemon = True
        timer.start()

    def _describe_end(self) -> str:
        assert self._process is not None, "described before it is discarded"
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        if code == EXIT_DESCRIPTORS_CLOSED:
            return (
                "lost its connection: job code closed descriptors that it did not open (os.closerange, maybe)"
            )
        if code >= 0:
            return f"ended with exit code {code}"
        names: Mapping[int, str] = {number.value: number.name for number in signal.Signals}
        return f"was ended by signal {-code} ({names.get(-code, 'unknown')})"


def _start_seconds() -> float:
    try:
        seconds = float(os.environ.get(START_VARIABLE, ""))
    except ValueError:
        return _START_SECONDS
    return seconds if seconds > 0 else _START_SECONDS

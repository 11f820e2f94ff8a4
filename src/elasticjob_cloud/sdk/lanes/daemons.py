"""DAEMON tasks: the executor runs the cron itself (semantics, "Transient and daemon jobs").

Each task has a thread that waits for its next fire and runs one execution at a time, as a shard of its own, by the
same code that runs transient ones; what that reports is told to the agent as BEGIN and COMPLETE of the execution.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue

from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.repetition import BEGIN, COMPLETE, LONGEST_WAIT_SECONDS, Repetition, zone_of
from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage
from elasticjob_cloud.sdk.execution import Report, bug_status, failed_status, now_ms
from elasticjob_cloud.sdk.lanes.daemon_runners import Runner
from elasticjob_cloud.sdk.shards.output import ShardOutput
from elasticjob_cloud.sdk.shards.shard import Shard, TaskKilledError

_PAUSE_SECONDS = 0.1
_PAUSE_AFTER_FAILURE_SECONDS = 1.0
_GATE_SECONDS = 0.1
# Of fires that were skipped, so that the count of a month's takes no time.
_MOST_COUNTED = 1000


class DaemonLane:
    """Keeps daemon tasks running, each in a thread of its own."""

    def __init__(self, report: Report, open_runner: Callable[[], Runner], *, one_at_a_time: bool) -> None:
        self._report = report
        self._open_runner = open_runner
        self._gate = threading.Lock() if one_at_a_time else None

    def submit(self, shard: Shard) -> None:
        """Start a daemon task."""
        daemon = _Daemon(shard, self._report, self._open_runner(), self._gate)
        threading.Thread(target=daemon.run, name="elasticjob-daemon", daemon=True).start()


class _SharedOutput:
    """The output of the task, which all its executions write to."""

    def __init__(self, output: ShardOutput) -> None:
        self._output = output
        self.limit_bytes = output.limit_bytes

    def write(self, stream: StreamName, data: bytes) -> bool:
        return self._output.write(stream, data)

    def flush(self, stream: StreamName) -> None:
        self._output.flush(stream)

    def fileno(self, stream: StreamName) -> int | None:
        return self._output.fileno(stream)

    def renew(self) -> None:
        self._output.renew()

    def close(self) -> None:
        self._output.flush("stdout")
        self._output.flush("stderr")


class _TimeLimit:
    """Ends one execution that takes too long, and leaves the task as it is."""

    def __init__(self, execution: Shard, seconds: int) -> None:
        self._execution = execution
        self._seconds = seconds
        self.has_struck = False
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True
        if seconds > 0:
            self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()

    def make_status(self, begun_ms: int) -> ExecutorStatus:
        """Return the end of the execution: a failed one."""
        cause = (
            f"The execution was ended, because it took longer than {self._seconds} seconds (timeoutSeconds)."
        )
        return failed_status(self._execution, "TASK_FINISHED", begun_ms, cause)

    def _strike(self) -> None:
        if not self._execution.finished:
            self.has_struck = True
            self._execution.kill()


class _Daemon:
    def __init__(self, shard: Shard, report: Report, runner: Runner, gate: "threading.Lock | None") -> None:
        self._shard = shard
        self._report = report
        self._runner = runner
        self._gate = gate
        self._execution: Shard | None = None
        self._killed = threading.Event()
        self._has_cron = bool(shard.job["cron"])
        self._repetition = Repetition(_never, 0)  # until its cron is read, which may fail

    def run(self) -> None:
        try:
            self._run()
        except Exception as bug:  # noqa: BLE001 - ours: otherwise the task would never end, and never execute again
            self._report(bug_status(self._shard, bug, now_ms()))

    def _run(self) -> None:
        task_id = self._shard.context.task_id
        status: ExecutorStatus = {
            "taskId": task_id,
            "state": "TASK_KILLED",
            "message": "Killed between executions.",
        }
        try:
            if not self._shard.enter(self._interrupt):
                return
            job = self._shard.job
            self._repetition = Repetition(_fires_of(job), job["eventTraceSamplingCount"])
        except TaskKilledError:
            pass  # the kill came while it entered
        except StartError as error:
            status = {"taskId": task_id, "state": "TASK_ERROR", "message": str(error)}
        else:
            self._report({"taskId": task_id, "state": "TASK_RUNNING", "message": COMPLETE})
            status = self._repeat() or status
        self._shard.settle()
        self._runner.close()
        self._shard.output.close()
        self._report(status)

    def _repeat(self) -> ExecutorStatus | None:
        """Run execution after execution; give the status of the one that ended the task, None for a kill between."""
        after_ms, pause_seconds = now_ms(), 0.0
        while self._wait_until(self._next_start_ms(after_ms, pause_seconds)):
            begun_ms = now_ms()
            status = self._execute()
            if status is None or status["state"] != "TASK_FINISHED":
                return status
            pause_seconds = _PAUSE_SECONDS if status["success"] else _PAUSE_AFTER_FAILURE_SECONDS
            # Never before the last fire again, should the clock have been set back (promise 10).
            after_ms = max(begun_ms, now_ms())
            self._tell_skipped(len(self._repetition.fires_between(begun_ms, after_ms, _MOST_COUNTED)))
        return None

    def _next_start_ms(self, after_ms: int, pause_seconds: float) -> int | None:
        """Return when the next execution begins: at a fire, or without cron after a pause. None: never again."""
        if self._has_cron:
            return self._repetition.next_fire_ms(after_ms)
        return after_ms + int(pause_seconds * 1000)

    def _tell_skipped(self, count: int) -> None:
        """Have the record say which fires came to nothing, and that the task is idle all the same."""
        if count:
            many = f"{count} or more" if count == _MOST_COUNTED else str(count)
            task_id = self._shard.context.task_id
            told = f"Skipped {many} fires that came during an execution."
            self._report({"taskId": task_id, "state": "TASK_RUNNING", "message": told})
            self._report({"taskId": task_id, "state": "TASK_RUNNING", "message": COMPLETE})

    def _wait_until(self, fire_ms: int | None) -> bool:
        """Wait for a fire; False when the task was killed."""
        while fire_ms is None or now_ms() < fire_ms:
            seconds = LONGEST_WAIT_SECONDS if fire_ms is None else (fire_ms - now_ms()) / 1000
            if self._killed.wait(min(max(seconds, 0.001), LONGEST_WAIT_SECONDS)):
                return False
        return not self._killed.is_set()

    def _execute(self) -> ExecutorStatus | None:
        if self._gate is None:
            return self._execute_now()
        while not self._gate.acquire(timeout=_GATE_SECONDS):
            if self._killed.is_set():
                return None
        try:
            return self._execute_now()
        finally:
            self._gate.release()

    def _execute_now(self) -> ExecutorStatus | None:
        outer = self._shard
        execution = self._execution = self._next_execution()
        is_sampled = self._repetition.is_sampled
        if outer.killed:
            return None  # a kill that came before this line did not see the execution
        told: SimpleQueue[ExecutorStatus] = SimpleQueue()

        def report(status: ExecutorStatus) -> None:
            if status["state"] != "TASK_RUNNING":
                told.put(status)
            elif is_sampled:
                self._report({**status, "message": BEGIN})

        limit = _TimeLimit(execution, outer.job.get("timeoutSeconds", 0))
        begun_ms = now_ms()
        self._runner.run(execution, report)
        limit.cancel()
        if limit.has_struck and not outer.killed:
            ended = limit.make_status(begun_ms)
        elif told.empty():
            return None  # killed before it began
        else:
            ended = told.get()
        # A failed execution is always recorded (semantics, "Error handlers"), sampled or not.
        if ended["state"] == "TASK_FINISHED" and (is_sampled or not ended["success"]):
            self._report({**ended, "state": "TASK_RUNNING", "message": COMPLETE})
        return ended

    def _next_execution(self) -> Shard:
        self._repetition.count_execution()
        outer = self._shard
        context = replace(
            outer.context,
            current_job_event_sampling_count=self._repetition.unsampled_count,
            allow_send_job_event=self._repetition.is_sampled,
        )
        return Shard(context, outer.bound, _SharedOutput(outer.output), outer.job, outer.task)

    def _interrupt(self) -> None:
        self._killed.set()
        execution = self._execution
        if execution is not None:
            execution.kill()


def _fires_of(job: JobMessage) -> Callable[[int], int | None]:
    """Return what gives the next fire of a job's cron in its zone; without cron there are none.

    Raises:
        StartError: If one of them is none.
    """
    if not job["cron"]:
        return _never
    try:
        expression = CronExpression.parse(job["cron"])
    except InvalidCronError as error:
        raise StartError(f"cron: {error}") from error
    zone = zone_of(job["timeZone"])
    return lambda after_ms: expression.next_fire_ms(after_ms, zone)


def _never(_after_ms: int) -> None:
    """There is no fire."""

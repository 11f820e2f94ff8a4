"""The executor: takes shards from the agent, gives them to workers, reports what became of them.

It ends with its agent: no shard may run on where nobody watches it (semantics, promise 5).
"""

import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import NoReturn, cast

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage, Kill, Run
from elasticjob_cloud.sdk.connection import StatusWriter, read_messages
from elasticjob_cloud.sdk.descriptors import DescriptorsClosedError
from elasticjob_cloud.sdk.endings import EXIT_DESCRIPTORS_CLOSED, call_before_end, end_process
from elasticjob_cloud.sdk.failure import describe_failure, summarize_failure
from elasticjob_cloud.sdk.jobs.process_groups import forget_groups, kill_groups
from elasticjob_cloud.sdk.jobs.registry import JobRegistry
from elasticjob_cloud.sdk.lanes.lanes import Lane, Lanes
from elasticjob_cloud.sdk.notifications.error_handlers import handler_problem, messages
from elasticjob_cloud.sdk.shards.bound_job import BoundJob
from elasticjob_cloud.sdk.shards.shard import Shard
from elasticjob_cloud.sdk.streams.forks import add_reset
from elasticjob_cloud.sdk.streams.output_files import output_of
from elasticjob_cloud.sdk.streams.routing import tell_process

# A tenth of Python's own: with 60 shards that keep the interpreter busy, messages of the agent and short shards get
# through eight times sooner, and no-op shards are not slower (benchmarks/bench_executor.py).
_SWITCH_SECONDS = 0.0005
_FLUSH_SECONDS = 0.3
_DRAIN_SECONDS = 5.0
_MESSAGES_SECONDS = 3.0
_EXIT_AGENT_LOST = 1
_TIMER_SIGNALS = (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF)
_CONNECTION_CLOSED = (
    "job code closed descriptors that it did not open, the connection to the agent among them (os.closerange, maybe, or "
    "code that makes a daemon): this executor ends, because it can report nothing more"
)


class Executor:
    """The jobs of an app, serving one agent over one connection."""

    def __init__(self, registry: JobRegistry, connection: socket.socket, max_threads: int) -> None:
        self._registry = registry
        self._connection = connection
        self._is_registered = False
        self._shards: dict[str, Shard] = {}
        self._lanes = Lanes(self._report, max_threads)
        self._writer = StatusWriter(
            connection, on_lost=self._exit_without_agent, on_closed=_exit_without_connection
        )

    def serve(self) -> None:
        """Serve until the agent says `stop` (returns) or is gone (ends the process)."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_terminate)
            for number in _TIMER_SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _on_timer)
        add_reset(self._reset_in_child)
        call_before_end(self._clean_up)
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        try:
            for message in read_messages(self._connection, tell_process):
                if self._handle_safely(message):
                    self._stop()
                    return
        except DescriptorsClosedError:
            _exit_without_connection()
        if not self._is_registered:
            tell_process("the agent closed the connection at once: it does not accept this executor's token")
        self._exit_without_agent()

    def _handle_safely(self, message: dict[str, object]) -> bool:
        try:
            return self._handle(message)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            tell_process(f"ignored a broken message from the agent: {summarize_failure(problem)}")
        except Exception as bug:  # noqa: BLE001 - ours: what else runs here goes on
            tell_process(f"a bug in elasticjob-cloud, please report it:\n{describe_failure(bug)}")
        return False

    def _handle(self, message: dict[str, object]) -> bool:
        match message.get("type"):
            case "run":
                self._run(cast("Run", message))
            case "kill":
                self._kill(cast("Kill", message))
            case "stop":
                return True
            case "registered":
                self._is_registered = True
            case _:
                pass  # types of a newer protocol
        return False

    def _run(self, message: Run) -> None:
        job, limit_bytes = message["job"], message["outputLimitBytes"]
        name, count = job["jobName"], job["shardingTotalCount"]
        job_parameter, props = job["jobParameter"], job["props"]
        sampling_count = job["eventTraceSamplingCount"]
        bound, lane, problem = self._prepare(job)
        shards = self._shards
        for task in message["tasks"]:
            task_id = task["taskId"]
            if task_id in shards:
                continue  # sent again, by an agent that was not sure
            if bound is None or lane is None:
                self._refuse(task_id, problem)
                continue
            context = ShardingContext(
                task_id, name, count, task["item"], task["parameter"], job_parameter, props, sampling_count
            )
            shard = Shard(context, bound, output_of(task, limit_bytes), job, task)
            shards[task_id] = shard
            self._submit(lane, shard)

    def _submit(self, lane: Lane, shard: Shard) -> None:
        try:
            lane.submit(shard)
        except Exception as problem:  # noqa: BLE001 - the system gives no more threads, or a fault of ours
            if shard.kill():  # should a thread come to it later, it will not start
                message = f"The shard could not be started: {summarize_failure(problem)}"
                self._report({"taskId": shard.context.task_id, "state": "TASK_ERROR", "message": message})

    def _prepare(self, job: JobMessage) -> tuple[BoundJob | None, Lane | None, str]:
        """Find the job and its workers, or say why its tasks cannot run."""
        problem = handler_problem(job["jobErrorHandlerType"], job["props"])
        if problem is not None:
            return None, None, problem
        try:
            bound = self._registry.find(job["jobName"])
            return bound, self._lanes.find(job, bound), ""
        except (NotFoundError, ValueError) as error:
            return None, None, str(error)
        except Exception as fault:  # noqa: BLE001 - no descriptors for an event loop, or a fault of ours
            return None, None, f"The shard could not be started: {summarize_failure(fault)}"

    def _kill(self, message: Kill) -> None:
        for task_id in message["taskIds"]:
            shard = self._shards.get(task_id)
            if shard is not None and shard.kill():
                self._report(
                    {"taskId": task_id, "state": "TASK_KILLED", "message": "Killed before it started."}
                )

    def _refuse(self, task_id: str, problem: str) -> None:
        self._writer.put({"taskId": task_id, "state": "TASK_ERROR", "message": problem})

    def _report(self, status: ExecutorStatus) -> None:
        if status["state"] != "TASK_RUNNING" and self._shards.pop(status["taskId"], None) is None:
            return  # a task ends once
        self._writer.put(status)

    def _stop(self) -> None:
        self._writer.close(_DRAIN_SECONDS)
        self._lanes.kill_processes()
        kill_groups()
        messages.flush(_MESSAGES_SECONDS)
        self._connection.close()

    def _exit_without_agent(self) -> NoReturn:
        tell_process("the agent is gone; this executor and its shards end now")
        self._exit(_EXIT_AGENT_LOST)

    def _on_terminate(self, number: int, _frame: FrameType | None) -> None:
        self._exit(128 + number)

    def _exit(self, code: int) -> NoReturn:
        """End at once: job code in threads cannot be waited for, and may hold any lock."""
        try:
            self._clean_up()
            if code == _EXIT_AGENT_LOST and os.getpgrp() == os.getpid():
                # We lead the group that the agent started. It is not there to end what job code started in it.
                os.killpg(0, signal.SIGKILL)
        finally:
            os._exit(code)

    def _clean_up(self) -> None:
        self._lanes.kill_processes()
        kill_groups()
        flush = threading.Thread(target=self._flush, daemon=True)
        flush.start()
        flush.join(_FLUSH_SECONDS)

    def _reset_in_child(self) -> None:
        forget_groups()
        if signal.getsignal(signal.SIGTERM) == self._on_terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in _TIMER_SIGNALS:
            if signal.getsignal(number) is _on_timer:
                signal.signal(number, signal.SIG_DFL)

    def _flush(self) -> None:
        for shard in list(self._shards.values()):
            shard.output.close()
        sys.stdout.flush()
        sys.stderr.flush()
        messages.flush(_FLUSH_SECONDS)


def _on_timer(number: int, _frame: FrameType | None) -> None:
    # It would end all shards of this executor, for the one that set it, or left it.
    name = signal.Signals(number).name
    tell_process(
        f"{name} of a shard's alarm or timer was ignored: threads get none; PROCESS has them (docs/sdk.md)"
    )


def _exit_without_connection() -> NoReturn:
    end_process(_CONNECTION_CLOSED, EXIT_DESCRIPTORS_CLOSED)

"""The executor: takes shards from the agent, gives them to workers, reports what became of them.

It ends with its agent: no shard may run on where nobody watches it (semantics, promise 5).
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, Protocol, cast

from elasticjob_cloud.model.context import ShardingContext
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage, Kill, Run
from elasticjob_cloud.sdk.attempt import handler_problem
from elasticjob_cloud.sdk.connection import StatusWriter, read_messages
from elasticjob_cloud.sdk.coroutines import CoroutineLane
from elasticjob_cloud.sdk.daemons import CoroutineRunner, DaemonLane, ProcessRunner, Runner
from elasticjob_cloud.sdk.failure import summarize_failure
from elasticjob_cloud.sdk.job import BoundJob
from elasticjob_cloud.sdk.output import TaskOutput
from elasticjob_cloud.sdk.processes import ProcessPool, WorkerProcess
from elasticjob_cloud.sdk.registry import JobRegistry
from elasticjob_cloud.sdk.shard import Shard
from elasticjob_cloud.sdk.streams import tell_process
from elasticjob_cloud.sdk.threads import ThreadPool

_FLUSH_SECONDS = 0.3
_DRAIN_SECONDS = 5.0
_EXIT_AGENT_LOST = 1


class Lane(Protocol):
    """Workers of one kind."""

    def submit(self, shard: Shard) -> None:
        """Run a shard as soon as there is a worker for it. Never blocks, never raises for what job code does."""
        ...


class Executor:
    """The jobs of an app, serving one agent over one connection."""

    def __init__(self, registry: JobRegistry, connection: socket.socket, max_threads: int) -> None:
        self._registry = registry
        self._connection = connection
        self._max_threads = max_threads
        self._is_registered = False
        self._shards: dict[str, Shard] = {}
        self._lanes: dict[str, Lane] = {}
        self._writer = StatusWriter(connection, on_lost=self._exit_without_agent)

    def serve(self) -> None:
        """Serve until the agent says `stop` (returns) or is gone (ends the process)."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_terminate)
        for message in read_messages(self._connection, tell_process):
            try:
                stopped = self._handle(message)
            except (KeyError, TypeError, ValueError, AttributeError) as problem:
                tell_process(f"ignored a broken message from the agent: {summarize_failure(problem)}")
                continue
            if stopped:
                self._stop()
                return
        if not self._is_registered:
            tell_process("the agent closed the connection at once: it does not accept this executor's token")
        self._exit_without_agent()

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
                task_id, name, count, task["item"], task["parameter"], job_parameter, props
            )
            shard = Shard(context, bound, TaskOutput(task["output"], limit_bytes), job, task)
            shards[task_id] = shard
            lane.submit(shard)

    def _prepare(self, job: JobMessage) -> tuple[BoundJob | None, Lane | None, str]:
        """Find the job and its workers, or say why its tasks cannot run."""
        try:
            bound = self._registry.find(job["jobName"])
        except NotFoundError as error:
            return None, None, str(error)
        problem = handler_problem(job["jobErrorHandlerType"])
        if problem is not None:
            return None, None, problem
        lane = self._find_lane(job, bound)
        service = job["jobExecutorServiceHandlerType"]
        return (
            bound,
            lane,
            f"Executor service {service!r} is not supported: use CPU, SINGLE_THREAD or PROCESS.",
        )

    def _find_lane(self, job: JobMessage, bound: BoundJob) -> Lane | None:
        service = job["jobExecutorServiceHandlerType"]
        if service not in {"CPU", "SINGLE_THREAD", "PROCESS"}:
            return None
        is_daemon = job["jobExecutionType"] == "DAEMON"
        kind = "async" if bound.is_async and service != "PROCESS" else service
        key = f"{kind} daemon" if is_daemon else kind
        if service == "SINGLE_THREAD":
            key += f" {job['jobName']}"
        if key not in self._lanes:
            self._lanes[key] = self._open_lane(kind, service, is_daemon=is_daemon)
        return self._lanes[key]

    def _open_lane(self, kind: str, service: str, *, is_daemon: bool) -> Lane:
        one_at_a_time = service == "SINGLE_THREAD"
        if is_daemon:
            return DaemonLane(self._report, _runners[kind], one_at_a_time=one_at_a_time)
        if kind == "async":
            return CoroutineLane(self._report, one_at_a_time=one_at_a_time)
        if kind == "PROCESS":
            return ProcessPool(self._report, cpu_count())
        if kind == "SINGLE_THREAD":
            return ThreadPool("elasticjob-single", self._report, 1, 1)
        return ThreadPool("elasticjob-shard", self._report, cpu_count(), self._max_threads)

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
        if status["state"] != "TASK_RUNNING":
            self._shards.pop(status["taskId"], None)
        self._writer.put(status)

    def _stop(self) -> None:
        self._writer.close(_DRAIN_SECONDS)
        WorkerProcess.kill_all()
        self._connection.close()

    def _exit_without_agent(self) -> NoReturn:
        tell_process("the agent is gone; this executor and its shards end now")
        self._exit(_EXIT_AGENT_LOST)

    def _on_terminate(self, number: int, _frame: FrameType | None) -> None:
        self._exit(128 + number)

    def _exit(self, code: int) -> NoReturn:
        """End at once: job code in threads cannot be waited for, and may hold any lock."""
        try:
            WorkerProcess.kill_all()
            flush = threading.Thread(target=self._flush, daemon=True)
            flush.start()
            flush.join(_FLUSH_SECONDS)
            if code == _EXIT_AGENT_LOST and os.getpgrp() == os.getpid():
                # We lead the group that the agent started. It is not there to end what job code started in it.
                os.killpg(0, signal.SIGKILL)
        finally:
            os._exit(code)

    def _flush(self) -> None:
        for shard in list(self._shards.values()):
            shard.output.close()
        sys.stdout.flush()
        sys.stderr.flush()


_runners: dict[str, Callable[[], Runner]] = {
    "async": CoroutineRunner,
    "CPU": Runner,
    "PROCESS": ProcessRunner,
    "SINGLE_THREAD": Runner,
}


def cpu_count() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))

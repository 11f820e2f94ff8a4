"""The inside of a worker process: runs one shard after another for the executor that started it."""

import asyncio
import ctypes
import json
import os
import signal
import socket
import threading
from collections.abc import Coroutine
from dataclasses import asdict, replace
from queue import SimpleQueue
from types import FrameType
from typing import Any, TypedDict, cast

from elasticjob_cloud.model.context import ShardingContext
from elasticjob_cloud.model.wire import ExecutorStatus, JobMessage, TaskMessage
from elasticjob_cloud.sdk.attempt import ThreadInterrupt, run_shard
from elasticjob_cloud.sdk.error_handlers import messages
from elasticjob_cloud.sdk.job import BoundJob
from elasticjob_cloud.sdk.message import FailureMessage
from elasticjob_cloud.sdk.output import output_of
from elasticjob_cloud.sdk.registry import JobRegistry
from elasticjob_cloud.sdk.shard import Shard, TaskKilledError, current_shard

# What a line holds instead of a status when an error handler has something to send.
MESSAGE_KEY = "failureMessage"
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


class ProcessRequest(TypedDict):
    """Executor to worker process: one shard. The answers are the lines of `ExecutorStatus` that the agent gets."""

    job: JobMessage
    task: TaskMessage
    outputLimitBytes: int
    currentJobEventSamplingCount: int
    allowSendJobEvent: bool


def serve_pool(registry: JobRegistry, descriptor: int) -> None:
    """Run shards in the main thread, so that a kill interrupts even a sleep, until the executor is gone."""
    connection = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional only
    _end_with_parent()
    signal.signal(signal.SIGTERM, _on_terminate)
    inbox: SimpleQueue[ProcessRequest] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, inbox), daemon=True).start()
    interrupt = ThreadInterrupt()

    def report(status: ExecutorStatus) -> None:
        connection.sendall(json.dumps(status).encode() + b"\n")

    def forward(message: FailureMessage) -> None:
        # One process sends: it alone knows how much a receiver got, and lives on when this one is killed.
        connection.sendall(json.dumps({MESSAGE_KEY: asdict(message)}).encode() + b"\n")

    messages.forward_to(forward)
    connection.sendall(b"{}\n")
    while True:
        shard = _make_shard(registry, inbox.get())
        try:
            run_shard(shard, interrupt, report)
        except (TaskKilledError, OSError):
            os._exit(0)  # killed before it began, or the executor is gone
        if shard.killed:
            os._exit(0)


def _make_shard(registry: JobRegistry, request: ProcessRequest) -> Shard:
    job, task = request["job"], request["task"]
    context = ShardingContext(
        task["taskId"],
        job["jobName"],
        job["shardingTotalCount"],
        task["item"],
        task["parameter"],
        job["jobParameter"],
        job["props"],
        job["eventTraceSamplingCount"],
        request["currentJobEventSamplingCount"],
        request["allowSendJobEvent"],
    )
    output = output_of(task, request["outputLimitBytes"])
    return Shard(context, _synchronous(registry.find(job["jobName"])), output, job, task)


def _synchronous(bound: BoundJob) -> BoundJob:
    if not bound.is_async:
        return bound

    def function(context: ShardingContext) -> None:
        asyncio.run(cast("Coroutine[Any, Any, None]", bound.function(context)))

    return replace(bound, function=function)


def _read(connection: socket.socket, inbox: "SimpleQueue[ProcessRequest]") -> None:
    try:
        for line in connection.makefile("rb"):
            inbox.put(json.loads(line))
    finally:
        os._exit(1)  # no shard outlives its executor


def _on_terminate(number: int, _frame: FrameType | None) -> None:
    shard = current_shard.get()
    if shard is None:
        os._exit(128 + number)
    if not shard.killed and not shard.finished:
        shard.killed = True
        raise TaskKilledError


def _end_with_parent() -> None:
    """Ask Linux to end this process with its executor, should job code hold the interpreter lock for ever then."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)

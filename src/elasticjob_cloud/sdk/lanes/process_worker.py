"""The inside of a worker process: runs one shard after another for the executor that started it."""

import ctypes
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from queue import SimpleQueue
from types import FrameType

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.wire import ExecutorStatus
from elasticjob_cloud.sdk.connection import unsendable_status
from elasticjob_cloud.sdk.descriptors import Ownership, protect_connection
from elasticjob_cloud.sdk.endings import EXIT_DESCRIPTORS_CLOSED
from elasticjob_cloud.sdk.execution import run_shard
from elasticjob_cloud.sdk.jobs.registry import JobRegistry
from elasticjob_cloud.sdk.lanes.worker_protocol import LAST_KEY, MESSAGE_KEY, ProcessRequest
from elasticjob_cloud.sdk.lanes.worker_state import WorkerState
from elasticjob_cloud.sdk.notifications.error_handlers import messages
from elasticjob_cloud.sdk.notifications.message import FailureMessage
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard, TaskKilledError, current_shard
from elasticjob_cloud.sdk.streams.forks import add_reset, hide_connection
from elasticjob_cloud.sdk.streams.output_files import output_of

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def serve_executor(registry: JobRegistry, descriptor: int) -> None:
    """Run shards in the main thread, so that a kill interrupts even a sleep, until the executor is gone."""
    connection = protect_connection(socket.socket(fileno=descriptor))
    hide_connection(connection)
    ownership = Ownership(connection)
    _end_with_parent()
    signal.signal(signal.SIGTERM, _on_terminate)
    add_reset(_reset_in_child)
    inbox: SimpleQueue[ProcessRequest] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, inbox), daemon=True).start()

    def send(message: object) -> None:
        if ownership.is_lost():
            os._exit(EXIT_DESCRIPTORS_CLOSED)
        connection.sendall(json.dumps(message).encode() + b"\n")

    def forward(message: FailureMessage) -> None:
        # One process sends: it alone knows how much a receiver got, and lives on when this one is killed.
        send({MESSAGE_KEY: asdict(message)})

    messages.forward_to(forward)
    state = WorkerState()
    send({})
    while True:
        _run_next(_make_shard(registry, inbox.get()), send, state)


def _run_next(shard: Shard, send: Callable[[object], None], state: WorkerState) -> None:
    ended: list[ExecutorStatus] = []

    def report(status: ExecutorStatus) -> None:
        if status["state"] == "TASK_RUNNING":
            send(status)
        else:
            ended.append(status)

    try:
        run_shard(shard, ThreadInterrupt(), report)
    except (TaskKilledError, OSError):
        os._exit(0)  # killed before it began, or the executor is gone
    # Before the end is told: the next shard may come at once.
    is_fit = state.restore() and not shard.killed
    for status in ended:
        try:
            send({**status, LAST_KEY: not is_fit})
        except (TypeError, ValueError):
            send({**unsendable_status(shard.context.task_id), LAST_KEY: not is_fit})
    if not is_fit:
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
    return Shard(context, registry.find(job["jobName"]).synchronous(), output, job, task)


def _read(connection: socket.socket, inbox: "SimpleQueue[ProcessRequest]") -> None:
    try:
        for line in connection.makefile("rb"):
            inbox.put(json.loads(line))
    finally:
        os._exit(1)  # no shard outlives its executor


def _reset_in_child() -> None:
    if signal.getsignal(signal.SIGTERM) == _on_terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _on_terminate(number: int, _frame: FrameType | None) -> None:
    shard = current_shard.get()
    if shard is None:
        os._exit(128 + number)
    if not shard.killed and not shard.finished:
        shard.killed = True
        raise TaskKilledError


def _end_with_parent() -> None:
    """Ask Linux to end this process with its executor, should job code hold the interpreter lock for ever then."""
    if not sys.platform.startswith("linux"):
        return  # elsewhere the thread that reads the connection sees to it
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)

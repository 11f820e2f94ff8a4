"""Lanes: which workers run a job's shards, opened when the first shard needs them."""

# ruff: noqa: PLC0415 - asyncio, multiple processes and cron take longer to import than a thread job takes to run

import os
from collections.abc import Callable
from typing import Protocol

from elasticjob_cloud.model.wire import JobMessage
from elasticjob_cloud.sdk.execution import Report
from elasticjob_cloud.sdk.lanes.threads import ThreadPool
from elasticjob_cloud.sdk.shards.bound_job import BoundJob
from elasticjob_cloud.sdk.shards.shard import Shard

_SERVICES = ("CPU", "SINGLE_THREAD", "PROCESS")


class Lane(Protocol):
    """Workers of one kind."""

    def submit(self, shard: Shard) -> None:
        """Run a shard as soon as there is a worker for it. Never blocks, never raises for what job code does."""
        ...


class Lanes:
    """The lanes of one executor. `SINGLE_THREAD` jobs have one each, all others share those of their kind."""

    def __init__(self, report: Report, max_threads: int) -> None:
        self._report = report
        self._max_threads = max_threads
        self._lanes: dict[str, Lane] = {}
        self._kill_processes: Callable[[], None] = _no_processes

    def find(self, job: JobMessage, bound: BoundJob) -> Lane:
        """Return the lane of a job.

        Raises:
            ValueError: If its executor service is none that we have.
        """
        service = job["jobExecutorServiceHandlerType"]
        if service not in _SERVICES:
            raise ValueError(
                f"Executor service {service!r} is not supported: use one of {', '.join(_SERVICES)}."
            )
        is_daemon = job["jobExecutionType"] == "DAEMON"
        if bound.is_built_in and service == "PROCESS":
            service = "CPU"  # a shard that waits for a server or a command needs no core
        kind = "async" if bound.is_async and service != "PROCESS" else service
        key = f"{kind} daemon" if is_daemon else kind
        if service == "SINGLE_THREAD":
            key += f" {job['jobName']}"
        if key not in self._lanes:
            one_at_a_time = service == "SINGLE_THREAD"
            self._lanes[key] = self._open(kind, is_daemon=is_daemon, one_at_a_time=one_at_a_time)
        return self._lanes[key]

    def kill_processes(self) -> None:
        """End all worker processes at once."""
        self._kill_processes()

    def _open(self, kind: str, *, is_daemon: bool, one_at_a_time: bool) -> Lane:
        if kind == "PROCESS":
            from elasticjob_cloud.sdk.lanes.processes import ProcessPool, WorkerProcess

            self._kill_processes = WorkerProcess.kill_all
            if not is_daemon:
                return ProcessPool(self._report, cpu_count())
        if is_daemon:
            from elasticjob_cloud.sdk.lanes.daemon_runners import runner_of
            from elasticjob_cloud.sdk.lanes.daemons import DaemonLane

            return DaemonLane(self._report, runner_of(kind), one_at_a_time=one_at_a_time)
        if kind == "async":
            from elasticjob_cloud.sdk.lanes.coroutines import CoroutineLane

            return CoroutineLane(self._report, one_at_a_time=one_at_a_time)
        if one_at_a_time:
            return ThreadPool("elasticjob-single", self._report, 1, 1)
        return ThreadPool("elasticjob-shard", self._report, cpu_count(), self._max_threads)


def cpu_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _no_processes() -> None:
    """There are none yet."""

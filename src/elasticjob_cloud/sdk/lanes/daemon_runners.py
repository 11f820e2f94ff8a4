"""What runs the executions of one daemon task: its own thread, the event loop, or a worker process."""

import threading
from collections.abc import Callable

from elasticjob_cloud.model.wire import ExecutorStatus
from elasticjob_cloud.sdk.execution import Report, run_shard
from elasticjob_cloud.sdk.lanes.coroutines import CoroutineLane
from elasticjob_cloud.sdk.lanes.processes import WorkerProcess
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard

_LOOK_SECONDS = 0.1


class Runner:
    """Runs the executions of one daemon task in the calling thread."""

    def run(self, shard: Shard, report: Report) -> None:
        """Run one execution to its terminal status."""
        run_shard(shard, ThreadInterrupt(), report)

    def close(self) -> None:
        """The task has ended."""


class CoroutineRunner(Runner):
    """Runs them on the event loop."""

    def run(self, shard: Shard, report: Report) -> None:
        ended = threading.Event()

        def report_and_wake(status: ExecutorStatus) -> None:
            report(status)
            if status["state"] != "TASK_RUNNING":
                ended.set()

        CoroutineLane(report_and_wake, one_at_a_time=False).submit(shard)
        while not ended.wait(_LOOK_SECONDS):
            if shard.was_abandoned:
                return  # killed before the loop came to it: then nothing is reported


class ProcessRunner(Runner):
    """Runs them in a worker process that belongs to this task."""

    def __init__(self) -> None:
        self._process = WorkerProcess()

    def run(self, shard: Shard, report: Report) -> None:
        self._process.run(shard, report)

    def close(self) -> None:
        self._process.discard()


def runner_of(kind: str) -> Callable[[], Runner]:
    """Return what makes the runner of a kind of lane."""
    return {"async": CoroutineRunner, "PROCESS": ProcessRunner}.get(kind, Runner)

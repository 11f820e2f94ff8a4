"""For the tests of a job author: run one shard, and look at what it did."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.sdk.jobs.job import Job
from elasticjob_cloud.sdk.jobs.listeners import Listener, add_listeners, bind_listeners
from elasticjob_cloud.sdk.local_shard import UNBOUNDED_BYTES, run_local_shard
from elasticjob_cloud.sdk.notifications.error_handlers import find_error_handler, handler_problem, messages
from elasticjob_cloud.sdk.streams.routing import routing

_MESSAGES_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What one shard printed, logged (on `stderr`) and raised."""

    stdout: str
    stderr: str
    exception: BaseException | None

    @property
    def success(self) -> bool:
        """Whether it raised nothing."""
        return self.exception is None


def run_shard(
    job: Job,
    *,
    item: int = 0,
    total_count: int = 1,
    parameter: str = "",
    job_parameter: str = "",
    job_name: str = "test-job",
    props: Mapping[str, str] | None = None,
    listeners: Sequence[Listener] = (),
    error_handler: str = "",
) -> ShardResult:
    """Run one shard of a job in this thread, an async one to its end.

    Args:
        job: In any form that `JobBootstrap.execute` takes.
        item: The sharding item.
        total_count: How many items the job has.
        parameter: The parameter of this item.
        job_parameter: The parameter of the job.
        job_name: The job's name.
        props: The job's properties.
        listeners: As `JobBootstrap.execute` takes them.
        error_handler: A `jobErrorHandlerType` that is to handle an exception, a message of it sent before this
            returns. None does when it is empty.

    Returns:
        What it printed and logged, and the exception that it raised, if any.

    Raises:
        StartError: If it is no job, a listener is none, or the error handler cannot work.
    """
    problem = handler_problem(error_handler, props or {}) if error_handler else None
    if problem is not None:
        raise StartError(problem)
    bound = add_listeners(bind_job(job), bind_listeners(listeners))
    context = ShardingContext(
        f"{job_name}@-@{item}@-@READY@-@test@-@0",
        job_name,
        total_count,
        item,
        parameter,
        job_parameter,
        props or {},
    )
    output = _MemoryOutput()
    with routing():
        failure = run_local_shard(bound, context, output, partial(_handle, error_handler))
    return ShardResult(output.text("stdout"), output.text("stderr"), failure)


def _handle(error_handler: str, context: ShardingContext, failure: BaseException) -> None:
    handler = find_error_handler(error_handler)
    if handler is not None:
        handler.handle(context, failure)
        messages.flush(_MESSAGES_SECONDS)


class _MemoryOutput:
    def __init__(self) -> None:
        self.limit_bytes = UNBOUNDED_BYTES
        self._lock = threading.Lock()
        self._written: dict[StreamName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    def write(self, stream: StreamName, data: bytes) -> bool:
        with self._lock:
            self._written[stream] += data
        return True

    def flush(self, stream: StreamName) -> None:
        """Do nothing: what is written is there."""

    def fileno(self, stream: StreamName) -> int | None:
        """There is no file: what other processes print is not seen here."""

    def renew(self) -> None:
        self._lock = threading.Lock()

    def close(self) -> None:
        """Do nothing: it is memory."""

    def text(self, stream: StreamName) -> str:
        return self._written[stream].decode("utf-8", "backslashreplace")

"""One shard in this process: its context, its output, and the protocol by which it is killed."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.wire import JobMessage, TaskMessage
from elasticjob_cloud.sdk.shards.bound_job import BoundJob
from elasticjob_cloud.sdk.shards.output import ShardOutput, StreamPair

_INSIST_SECONDS = 0.002


class TaskKilledError(BaseException):
    """Raised in job code when its task is killed. Clean up and let it pass, as you would with KeyboardInterrupt."""


class Shard:
    """One task in this process.

    A kill comes from another thread. The hot path takes no lock for it: the worker stores (`_interrupt`, `finished`)
    before it looks at `killed`, the killer stores `killed` before it looks at those, so that at least one of the two
    sees the other; who sees a kill goes on under the one lock. At most one interrupt is sent to a shard.
    """

    __slots__ = (
        "_abandoned",
        "_interrupt",
        "bound",
        "context",
        "finished",
        "job",
        "killed",
        "output",
        "streams",
        "task",
    )

    def __init__(
        self,
        context: ShardingContext,
        bound: BoundJob,
        output: ShardOutput,
        job: JobMessage,
        task: TaskMessage,
    ) -> None:
        self.context = context
        self.bound = bound
        self.output = output
        self.job = job
        self.task = task
        self.streams: StreamPair | None = None
        self.killed = False
        self.finished = False
        self._abandoned = False
        self._interrupt: Callable[[], object] | None = None

    def enter(self, interrupt: Callable[[], object]) -> bool:
        """Start: from here on a kill calls `interrupt`, again and again while that returns False.

        False if a kill was first, and has been reported.
        """
        self._interrupt = interrupt
        if not self.killed:
            return True
        with _killing:
            if self._abandoned:
                return False
        raise TaskKilledError

    @property
    def was_abandoned(self) -> bool:
        """Whether it was killed, and reported so, before it started."""
        return self._abandoned

    def settle(self, disarm: Callable[[], None] | None = None) -> None:
        """End: on return no interrupt can arrive any more; `disarm` takes back one that is on its way, if that needs it."""
        try:
            self.finished = True
            if self.killed:
                with _killing:
                    if disarm is not None:
                        disarm()
        except TaskKilledError:
            self.finished = True

    def kill(self) -> bool:
        """Interrupt the shard. True if it never started: then the caller reports its end, and no one else does."""
        with _killing:
            if self.killed:
                return False
            self.killed = True
            if self._interrupt is None:
                self._abandoned = True
            elif not self.finished and self._interrupt() is False:
                threading.Thread(target=self._insist, name="elasticjob-kill", daemon=True).start()
            return self._abandoned

    def _insist(self) -> None:
        current_shard.set(None)
        while True:
            time.sleep(_INSIST_SECONDS)
            with _killing:
                if self.finished or self._interrupt is None or self._interrupt() is not False:
                    return


# Re-entrant: a daemon task passes its kill on to the execution that runs just now.
_killing = threading.RLock()
current_shard: ContextVar[Shard | None] = ContextVar("elasticjob_cloud_shard", default=None)


@dataclass(frozen=True, slots=True)
class CurrentTask:
    """The task that the calling code runs in. Outside any task, in a unit test say, `task_id` is empty."""

    task_id: str
    _shard: Shard | None

    @property
    def killed(self) -> bool:
        """Whether somebody asked for this task's end. Look at it in long loops, and return."""
        return self._shard is not None and self._shard.killed


def current_task() -> CurrentTask:
    """Return the task that the calling thread, or asyncio task, works for."""
    shard = current_shard.get()
    return CurrentTask("" if shard is None else shard.context.task_id, shard)

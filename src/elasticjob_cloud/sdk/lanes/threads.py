"""Threads that run shards: a pool that grows while shards wait, and a lane of one."""

import threading
import time
from queue import Empty, SimpleQueue

from elasticjob_cloud.sdk.execution import Report, bug_status, now_ms, run_shard
from elasticjob_cloud.sdk.shards.interrupt import ThreadInterrupt
from elasticjob_cloud.sdk.shards.shard import Shard

_GROWTH_SECONDS = 0.005
_IDLE_SECONDS = 30.0


class ThreadPool:
    """Runs shards in threads: one for each core at once, more when shards wait behind slow ones.

    Few threads are fastest for short shards, as they all share one interpreter lock; but a shard that waits on the
    network must not hold up its neighbours. So the pool watches its queue while something is in it, and doubles when
    in `_GROWTH_SECONDS` fewer shards were taken than there are threads.
    """

    def __init__(self, name: str, report: Report, minimum: int, maximum: int) -> None:
        self._name = name
        self._report = report
        self._minimum = minimum
        self._maximum = max(minimum, maximum)
        self._queue: SimpleQueue[Shard] = SimpleQueue()
        self._submitted = 0
        self._threads = 0
        self._lock = threading.Lock()
        self._has_queued = threading.Event()
        if self._maximum > self._minimum:
            threading.Thread(target=self._watch, name=f"{name}-growth", daemon=True).start()

    def submit(self, shard: Shard) -> None:
        """Run a shard as soon as a thread is free. Called by one thread only."""
        self._submitted += 1
        self._queue.put(shard)
        if self._threads < self._minimum:
            self._add_threads(1)
        elif not self._has_queued.is_set():
            self._has_queued.set()

    def _add_threads(self, count: int) -> None:
        for _ in range(count):
            with self._lock:
                if self._threads >= self._maximum:
                    return
                self._threads += 1
            try:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            except RuntimeError:
                # The system gives no more threads: those that are there go on with the queue.
                with self._lock:
                    self._threads -= 1
                if self._threads == 0:
                    raise
                return

    def _work(self) -> None:
        interrupt = ThreadInterrupt()
        take, report = self._queue.get, self._report
        while True:
            try:
                shard = take(timeout=_IDLE_SECONDS)
            except Empty:
                if self._retire():
                    return
                continue
            try:
                run_shard(shard, interrupt, report)
            except BaseException as bug:  # noqa: BLE001 - a thread less would be a silent end of its shard, and of the queue
                report(bug_status(shard, bug, now_ms()))
            # Held on to, the last shard's context would stay in memory while the thread waits.
            del shard

    def _retire(self) -> bool:
        with self._lock:
            if self._threads <= self._minimum or not self._queue.empty():
                return False
            self._threads -= 1
            return True

    def _watch(self) -> None:
        while True:
            self._has_queued.wait()
            self._has_queued.clear()
            taken = self._taken()
            while not self._queue.empty():
                time.sleep(_GROWTH_SECONDS)
                before, taken = taken, self._taken()
                if taken - before < self._threads:
                    self._add_threads(min(self._threads, self._queue.qsize()))

    def _taken(self) -> int:
        return self._submitted - self._queue.qsize()

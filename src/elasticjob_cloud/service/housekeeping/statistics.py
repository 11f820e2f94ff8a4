"""Statistics: the leader writes them once a minute, and the faces ask for them here."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Protocol, TypeVar

import msgspec
import structlog

from elasticjob_cloud.model.errors import ElasticJobError, UnavailableError
from elasticjob_cloud.model.queries.statistics import (
    JobRegisterStatistics,
    RunningStatistics,
    StatisticInterval,
    StatisticsPeriod,
    StatisticsSample,
    TaskResultStatistics,
)
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.repeated_log import RepeatedLog
from elasticjob_cloud.store import Store

_log = structlog.get_logger(__name__)
_MINUTE_MS: Final = StatisticInterval.MINUTE.milliseconds
_DAY_MS: Final = StatisticInterval.DAY.milliseconds
# After the minute's end, so that what ended within it is mostly there; what comes later is added the next time.
_MS_INTO_MINUTE: Final = 1_000
_RETRY_SECONDS: Final = 1.0

T = TypeVar("T")


class CoreQuery(Protocol):
    """How the core is read: between turns, or `UnavailableError` while this scheduler does not lead."""

    async def __call__(self, read: Callable[[Core], T]) -> T:
        """Give what `read` gives."""


class Statistics:
    """Implements `StatisticsPort`, and keeps the tables that it answers from."""

    def __init__(
        self,
        store: Store,
        query_core: CoreQuery,
        read_wall_ms: Callable[[], int],
        threads: Executor | None = None,
    ) -> None:
        """Make the statistics of a store, which is called in `threads`, by default the event loop's own."""
        self._store = store
        self._threads = threads
        self._query_core = query_core
        self._read_wall_ms = read_wall_ms
        self._trouble_log = RepeatedLog(_log, time.monotonic, level="info")

    async def keep(self, leading_epoch: Callable[[], int | None]) -> None:
        """Write as soon as this scheduler leads, and once a minute while it does, until cancelled."""
        while True:
            epoch = leading_epoch()
            if epoch is None or not await self._try_to_write(epoch):
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            into_minute_ms = (self._read_wall_ms() - _MS_INTO_MINUTE) % _MINUTE_MS
            await asyncio.sleep((_MINUTE_MS - into_minute_ms) / 1000)

    async def _try_to_write(self, epoch: int) -> bool:
        try:
            return await self.write(epoch)
        except UnavailableError as error:
            self._trouble_log.say("The statistics are written later.", reason=str(error))
        except ElasticJobError:
            # Nothing else depends on them: scheduling goes on.
            _log.exception("The statistics could not be written.")
        return False

    async def write(self, epoch: int) -> bool:
        """Write what there is to count now; False when another scheduler leads.

        Raises:
            UnavailableError: this scheduler does not lead, or the store cannot be written.
        """
        sample = await self._query_core(_take_sample)
        # In a thread of its own: commits and the lease wait for the few milliseconds of the write alone.
        return await self._in_thread(self._store.write_statistics, epoch, self._read_wall_ms(), sample)

    async def task_results_of_last_day(self) -> Sequence[TaskResultStatistics]:
        since_ms = StatisticInterval.HOUR.start_ms(self._read_wall_ms() - _DAY_MS)
        return await self._in_thread(self._store.task_results, StatisticInterval.HOUR, since_ms)

    async def task_result(self, period: StatisticsPeriod) -> TaskResultStatistics:
        match period:
            case StatisticsPeriod.ONLINE:
                return await self._sum(0)
            case StatisticsPeriod.LAST_WEEK:
                week_ago_ms = self._week_ago_ms()
                return msgspec.structs.replace(await self._sum(week_ago_ms), statistics_ms=week_ago_ms)
            case StatisticsPeriod.LAST_HOUR:
                return await self._last(StatisticInterval.HOUR)
            case StatisticsPeriod.LAST_MINUTE:
                return await self._last(StatisticInterval.MINUTE)

    async def running_tasks(self) -> Sequence[RunningStatistics]:
        return await self._in_thread(self._store.running_task_statistics, self._week_ago_ms())

    async def running_jobs(self) -> Sequence[RunningStatistics]:
        return await self._in_thread(self._store.running_job_statistics, self._week_ago_ms())

    async def registered_jobs(self) -> Sequence[JobRegisterStatistics]:
        return await self._in_thread(self._store.registered_job_statistics, 0)

    async def _sum(self, since_ms: int) -> TaskResultStatistics:
        result = await self._in_thread(self._store.summed_task_results, since_ms)
        # Nothing is known from before now.
        return result or TaskResultStatistics(0, 0, StatisticInterval.DAY, self._read_wall_ms())

    async def _last(self, interval: StatisticInterval) -> TaskResultStatistics:
        start_ms = interval.start_ms(self._read_wall_ms()) - interval.milliseconds
        results = await self._in_thread(self._store.task_results, interval, start_ms)
        # Right after an interval's end it may not be written yet, and before the first task nothing is.
        return results[0] if results else TaskResultStatistics(0, 0, interval, start_ms)

    async def _in_thread(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _week_ago_ms(self) -> int:
        return StatisticInterval.DAY.start_ms(self._read_wall_ms() - 7 * _DAY_MS)


def _take_sample(core: Core) -> StatisticsSample:
    state = core.state
    return StatisticsSample(len(state.tasks), len(state.runs), len(state.jobs))

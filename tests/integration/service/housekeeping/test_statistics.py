"""Statistics as the faces ask for them, over a real store, at a time of the test's choice."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from elasticjob_cloud.model.queries.statistics import (
    StatisticInterval,
    StatisticsPeriod,
    TaskResultStatistics,
)
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.housekeeping.statistics import Statistics
from elasticjob_cloud.store import SqlStore

DAY_MS = StatisticInterval.DAY.milliseconds
NOW_MS = 20_000 * DAY_MS + 12_345
T = TypeVar("T")


async def no_core(read: Callable[[Core], T]) -> T:
    raise AssertionError(read)


@pytest.fixture
def statistics(tmp_path: Path) -> Iterator[Statistics]:
    store = SqlStore(f"sqlite:///{tmp_path / 'cloud.db'}")
    store.migrate()
    yield Statistics(store, no_core, lambda: NOW_MS)
    store.close()


def test_sum_of_all_begins_now_as_long_as_nothing_was_counted(statistics: Statistics) -> None:
    result = asyncio.run(statistics.task_result(StatisticsPeriod.ONLINE))
    assert result == TaskResultStatistics(0, 0, StatisticInterval.DAY, NOW_MS)


def test_sum_of_the_week_begins_with_the_day_seven_days_ago(statistics: Statistics) -> None:
    result = asyncio.run(statistics.task_result(StatisticsPeriod.LAST_WEEK))
    assert result == TaskResultStatistics(0, 0, StatisticInterval.DAY, 20_000 * DAY_MS - 7 * DAY_MS)

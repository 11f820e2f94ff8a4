"""A scheduler that starts again knows from its record when each job last succeeded."""

from pathlib import Path

import pytest

from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.scheduling.commands import TriggerJob
from elasticjob_cloud.service.scheduler import Scheduler
from tests.integration.service.instant_engine import APP, JOB
from tests.integration.service.test_scheduler_service import leading, traces
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def last_success(scheduler: Scheduler) -> float | None:
    name = "elasticjob_last_success_timestamp_seconds"
    return scheduler.metrics.registry.get_sample_value(name, {"job": "job"})


async def test_restart_does_not_lose_the_last_success(tmp_path: Path) -> None:
    async with leading(tmp_path) as (scheduler, *_):
        for command in (APP, JOB, TriggerJob("job")):
            await scheduler.submit(command)
        await traces(scheduler, 2)
        await scheduler.reading.running_tasks(QueueFilter())  # the turn that wrote the last of them is over
        before = last_success(scheduler)
    assert before is not None

    async with leading(tmp_path) as (scheduler, *_):
        await until(lambda: scheduler.metrics.last_successes.has_earlier, "the record was read")
        assert last_success(scheduler) == before

"""One suite for what consoles read: the real scheduler, and the one in memory that the API's tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobState
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.bulk import BulkAction, carry_out_bulk
from elasticjob_cloud.service.port import PublishApp, RegisterJob, SchedulerPort, SetJobDisabled
from elasticjob_cloud.service.revisions import Topic
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.contract.small_jobs import app, job
from tests.fakes.idle_engine import IdleEngine

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["service", "memory"])
async def scheduler(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SchedulerPort]:
    if request.param == "memory":
        yield MemoryScheduler()
        return
    url = f"sqlite:///{tmp_path}/elasticjob.db"
    settings = LeadershipSettings("http://127.0.0.1:1")
    service = Scheduler(SqlStore(url), IdleEngine(), CoreSettings(), settings, database_url=url)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def register(scheduler: SchedulerPort, *names: str) -> None:
    await scheduler.submit(PublishApp(app()))
    for name in names:
        await scheduler.submit(RegisterJob(job(name)))


async def test_a_page_has_the_jobs_that_match(scheduler: SchedulerPort) -> None:
    await register(scheduler, "night-2", "day", "night-1")

    page = await scheduler.reading.job_page(JobFilter("night"), JobOrder(), 1, 1)
    rest = await scheduler.reading.job_page(JobFilter("night"), JobOrder(), 2, 1)

    assert (page.total, rest.total) == (2, 2)
    names = [row.record.configuration.job_name for row in (*page.rows, *rest.rows)]
    assert names == ["night-1", "night-2"]


async def test_all_jobs_are_given_in_order_and_none_that_is_gone(scheduler: SchedulerPort) -> None:
    await register(scheduler, "b", "a", "c")
    names = await scheduler.reading.job_names(JobFilter(), JobOrder(descending=True))

    records = [record async for part in scheduler.reading.job_records(names) for record in part]

    assert names == ["c", "b", "a"]
    assert [record.configuration.job_name for record in records] == names


async def test_disabled_jobs_are_found(scheduler: SchedulerPort) -> None:
    await register(scheduler, "on", "off")
    await scheduler.submit(SetJobDisabled("off", disabled=True))

    assert await scheduler.reading.job_names(JobFilter(state=JobState.DISABLED), JobOrder()) == ["off"]


async def test_many_jobs_are_changed_and_each_has_its_own_outcome(scheduler: SchedulerPort) -> None:
    names = [f"job-{number:03}" for number in range(120)]
    await register(scheduler, *names)

    given = carry_out_bulk(scheduler.submit, BulkAction.DISABLE, [*names[:60], "none", *names[60:]])
    outcomes = [outcome async for part in given for outcome in part]

    assert [it.job_name for it in outcomes if it.error is not None] == ["none"]
    assert len(outcomes) == 121
    assert await scheduler.reading.job_names(JobFilter(state=JobState.ENABLED), JobOrder()) == []


async def test_the_first_page_counts_the_jobs(scheduler: SchedulerPort) -> None:
    await register(scheduler, "a", "b")

    assert (await scheduler.reading.overview()).jobs == 2


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Scheduler]:
    url = f"sqlite:///{tmp_path}/elasticjob.db"
    settings = LeadershipSettings("http://127.0.0.1:1")
    service = Scheduler(SqlStore(url), IdleEngine(), CoreSettings(), settings, database_url=url)
    await service.start()
    yield service
    await service.stop()


async def test_only_what_has_changed_is_told(service: Scheduler) -> None:
    await register(service, "a")
    before = service.reading.changes("").revision
    assert not {Topic.APPS, Topic.JOBS} & set(service.reading.changes(before).topics)

    await service.submit(SetJobDisabled("a", disabled=True))

    changed = service.reading.changes(before)
    assert Topic.JOBS in changed.topics
    assert Topic.APPS not in changed.topics


async def test_the_list_is_never_older_than_a_revision_that_was_told_before_it(service: Scheduler) -> None:
    await register(service)
    for number in range(10):
        await service.submit(RegisterJob(job(f"job-{number}")))
        service.reading.changes("")
        page = await service.reading.job_page(JobFilter(), JobOrder(), 1, 100)
        assert page.total == number + 1

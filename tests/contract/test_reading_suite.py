"""One suite for what consoles read: the real scheduler, and the one in memory that the API's tests stand on."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.conditions import Severity
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.jobs.job import JobExecutionType
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobState
from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.model.queries.statistics import JobExecutionTypeStatistics
from elasticjob_cloud.model.queries.timeline import TimelineQuery
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.bulk import BulkAction, carry_out_bulk
from elasticjob_cloud.service.port import (
    PublishApp,
    PutAlertRule,
    RegisterJob,
    SchedulerPort,
    SetJobDisabled,
    TriggerJob,
)
from elasticjob_cloud.service.reading import planned_fires
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
    assert not {Topic.APPS, Topic.ALERTS} & set(changed.topics)
    before = service.reading.changes("").revision
    await service.submit(PutAlertRule("global", AlertRule(severity=Severity.INFO)))
    assert Topic.ALERTS in service.reading.changes(before).topics


async def test_channels_are_told_as_alerts(service: Scheduler) -> None:
    before = service.reading.changes("").revision
    await service.alerts.put_channel(Channel(name="ops", type=ChannelType.SLACK, url="http://127.0.0.1:1"))
    assert Topic.ALERTS in service.reading.changes(before).topics
    before = service.reading.changes("").revision
    await service.alerts.drop_channel("ops")
    assert Topic.ALERTS in service.reading.changes(before).topics


async def test_the_list_is_never_older_than_a_revision_that_was_told_before_it(service: Scheduler) -> None:
    await register(service)
    for number in range(10):
        await service.submit(RegisterJob(job(f"job-{number}")))
        service.reading.changes("")
        page = await service.reading.job_page(JobFilter(), JobOrder(), 1, 100)
        assert page.total == number + 1


async def planned(scheduler: SchedulerPort, minutes: int, **fields: Any) -> tuple[list[str], bool]:
    start_ms = time.time_ns() // 1_000_000
    query = TimelineQuery(start_ms, start_ms + minutes * 60_000, **fields)
    fires = await scheduler.reading.planned_fires(query)
    assert all(start_ms <= it.due_ms <= query.end_ms for it in fires.rows)
    assert fires.rows == sorted(fires.rows, key=lambda it: it.due_ms)
    return [it.job_name for it in fires.rows], fires.complete


async def test_the_fires_to_come_are_those_of_jobs_that_are_on(service: Scheduler) -> None:
    await service.submit(PublishApp(app()))
    await service.submit(PublishApp(app("other")))
    crons = {"a": "0 * * * * ?", "b": "0 * * * * ?", "off": "0 * * * * ?", "none": ""}
    for name, cron in crons.items():
        await service.submit(RegisterJob(msgspec.structs.replace(job(name), cron=cron)))
    await service.submit(RegisterJob(msgspec.structs.replace(job("c", "other"), cron="30 * * * * ?")))
    await service.submit(SetJobDisabled("off", disabled=True))

    names, is_complete = await planned(service, 10)
    assert is_complete
    assert {name: names.count(name) for name in set(names)} == {"a": 10, "b": 10, "c": 10}
    assert await planned(service, 10, app_name="other") == (["c"] * 10, True)
    assert await planned(service, 10, job_name="a") == (["a"] * 10, True)
    assert await planned(service, 10, job_name="a", app_name="other") == ([], True)
    assert await planned(service, 10, job_name="gone") == ([], True)
    cut, is_complete = await planned(service, 10, limit=7)
    assert (len(cut), is_complete) == (7, False)


async def test_a_time_later_on_begins_with_its_own_fires(service: Scheduler) -> None:
    await service.submit(PublishApp(app()))
    await service.submit(RegisterJob(msgspec.structs.replace(job("a"), cron="0 0 * * * ?")))
    start_ms = time.time_ns() // 1_000_000 + 5 * 3_600_000
    fires = await service.reading.planned_fires(TimelineQuery(start_ms, start_ms + 2 * 3_600_000))
    assert len(fires.rows) == 2
    assert fires.complete


async def test_work_for_fires_to_come_is_bounded(service: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned_fires, "TIMES_LOOKED_AT", 10)
    await service.submit(PublishApp(app()))
    await service.submit(RegisterJob(msgspec.structs.replace(job("a"), cron="* * * * * ?")))
    start_ms = time.time_ns() // 1_000_000 + 3_600_000
    fires = await service.reading.planned_fires(TimelineQuery(start_ms, start_ms + 60_000))
    assert (fires.rows, fires.complete) == ([], False)


async def wait_for_room(service: Scheduler, *names: str, app_name: str = "app") -> None:
    await service.submit(PublishApp(app(app_name)))
    for name in names:
        await service.submit(RegisterJob(job(name, app_name)))
        await service.submit(TriggerJob(name))


async def ready_pages(service: Scheduler, wanted: QueueFilter, size: int) -> list[list[str]]:
    pages: list[list[str]] = []
    while True:
        page = await service.reading.ready_page(wanted, len(pages) + 1, size)
        if not page.rows:
            assert sum(map(len, pages)) == page.total
            return pages
        assert all(it.reason == "No agent is there to run it." for it in page.rows)
        pages.append([it.job_name for it in page.rows])


async def test_what_waits_is_given_the_oldest_first_by_pages_or_whole(service: Scheduler) -> None:
    names = [f"job-{number * 7 % 30:02}" for number in range(30)]
    await wait_for_room(service, *names)
    await service.submit(TriggerJob(names[5]))

    whole = [it async for part in service.reading.ready_jobs(QueueFilter()) for it in part]
    assert [it.job_name for it in whole] == names
    assert {it.job_name: it.times for it in whole if it.times > 1} == {names[5]: 2}
    assert all(it.reason for it in whole)
    assert await ready_pages(service, QueueFilter(), 12) == [names[:12], names[12:24], names[24:]]


async def test_what_waits_is_found_by_job_and_app(service: Scheduler) -> None:
    await wait_for_room(service, "a", "b")
    await wait_for_room(service, "c", app_name="other")
    assert await ready_pages(service, QueueFilter(app_name="other"), 5) == [["c"]]
    assert await ready_pages(service, QueueFilter(job_name="b"), 5) == [["b"]]
    assert await ready_pages(service, QueueFilter("b", "other"), 5) == []
    assert await ready_pages(service, QueueFilter("gone"), 5) == []


async def test_jobs_are_counted_by_their_kind(service: Scheduler) -> None:
    await register(service, "a", "b")
    daemon = msgspec.structs.replace(job("d"), job_execution_type=JobExecutionType.DAEMON)
    await service.submit(RegisterJob(daemon))
    assert await service.reading.execution_types() == JobExecutionTypeStatistics(2, 1)

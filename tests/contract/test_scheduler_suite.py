"""One suite for what the API asks of a scheduler: the real one, and the one in memory that its tests stand on."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from elasticjob_cloud.model.errors import CallerError, ConflictError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.queries.logs import LogRead
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.port import (
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    KillTask,
    PublishApp,
    RegisterJob,
    SchedulerPort,
    SetAppDisabled,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.contract.small_jobs import app, job
from tests.fakes.idle_engine import IdleEngine

pytestmark = pytest.mark.anyio
TASK_ID = "job@-@0@-@READY@-@agent@-@uuid"


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


async def submit(scheduler: SchedulerPort, *commands: ApiCommand) -> None:
    for command in commands:
        await scheduler.submit(command)


async def state_of(scheduler: SchedulerPort) -> tuple[object, ...]:
    return (
        [(each.configuration, each.disabled) for each in await scheduler.apps()],
        [(each.configuration, each.disabled) for each in await scheduler.jobs()],
        [(each.job_name, each.times) for each in await scheduler.ready_jobs()],
        list(await scheduler.failover_tasks()),
    )


async def test_apps_and_jobs_are_kept_in_the_order_of_their_names(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app("b")), PublishApp(app("a"), disabled=True))
    await submit(scheduler, RegisterJob(job("y", "a")), RegisterJob(job("x", "b"), disabled=True))
    assert await state_of(scheduler) == (
        [(app("a"), True), (app("b"), False)],
        [(job("x", "b"), True), (job("y", "a"), False)],
        [],
        [],
    )
    assert (await scheduler.app("a")).configuration == app("a")
    assert (await scheduler.job("y")).configuration == job("y", "a")


async def test_update_changes_what_it_names(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app()), RegisterJob(job()))
    await submit(scheduler, UpdateApp("app", {"cpu_count": 2.0}))
    assert ((await scheduler.app("app")).configuration.cpu_count, (await scheduler.app("app")).disabled) == (
        2.0,
        False,
    )
    for disabled, kept in ((True, True), (None, True), (False, False), (None, False)):
        await submit(scheduler, UpdateApp("app", {}, disabled), UpdateJob(job(), disabled))
        assert (await scheduler.app("app")).disabled is kept
        assert (await scheduler.job("job")).disabled is kept


async def test_what_is_disabled_is_enabled_again(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app()), RegisterJob(job()))
    for disabled in (True, True, False, False):
        await submit(scheduler, SetAppDisabled("app", disabled), SetJobDisabled("job", disabled))
        assert (await scheduler.app("app")).disabled is disabled
        assert (await scheduler.job("job")).disabled is disabled


async def test_triggers_wait_in_the_ready_queue(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app()), RegisterJob(job()), TriggerJob("job"), TriggerJob("job"))
    assert [(each.job_name, each.times) for each in await scheduler.ready_jobs()] == [("job", 2)]


async def test_app_takes_its_jobs_along(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app()), PublishApp(app("other")))
    await submit(scheduler, RegisterJob(job()), RegisterJob(job("stays", "other")), RegisterJob(job("goes")))
    await submit(scheduler, DeregisterJob("goes"), TriggerJob("job"), DeleteApp("app"))
    assert await state_of(scheduler) == ([(app("other"), False)], [(job("stays", "other"), False)], [], [])


REFUSED: Sequence[tuple[ApiCommand, type[CallerError]]] = [
    (PublishApp(app()), ConflictError),
    (UpdateApp("none", {}), NotFoundError),
    (UpdateApp("none", {}, disabled=True), NotFoundError),
    (SetAppDisabled("none", disabled=True), NotFoundError),
    (DeleteApp("none"), NotFoundError),
    (RegisterJob(job()), ConflictError),
    (RegisterJob(job("new", "none")), NotFoundError),
    (RegisterJob(job("job", "none")), NotFoundError),
    (UpdateJob(job("none")), NotFoundError),
    (UpdateJob(job(app_name="off")), InvalidRequestError),
    (UpdateJob(job(app_name="none")), InvalidRequestError),
    (SetJobDisabled("none", disabled=True), NotFoundError),
    (DeregisterJob("none"), NotFoundError),
    (TriggerJob("none"), NotFoundError),
    (TriggerJob("daemon"), InvalidRequestError),
    (TriggerJob("resting"), ConflictError),
    (TriggerJob("of_off"), ConflictError),
    (KillTask(TASK_ID), NotFoundError),
]


async def test_refused_command_changes_nothing(scheduler: SchedulerPort) -> None:
    await submit(scheduler, PublishApp(app()), PublishApp(app("off"), disabled=True))
    await submit(scheduler, RegisterJob(job()), RegisterJob(job("daemon", daemon=True), disabled=True))
    await submit(scheduler, RegisterJob(job("resting"), disabled=True), RegisterJob(job("of_off", "off")))
    before = await state_of(scheduler)
    for command, error in REFUSED:
        with pytest.raises(CallerError) as caught:
            await scheduler.submit(command)
        assert type(caught.value) is error, command
        assert str(caught.value), command
        assert await state_of(scheduler) == before, command


async def test_what_is_not_there_is_not_found(scheduler: SchedulerPort) -> None:
    for question in (scheduler.app("none"), scheduler.job("none"), scheduler.sandboxes("none")):
        with pytest.raises(NotFoundError):
            await question
    for task_id in (TASK_ID, "nonsense"):
        with pytest.raises(NotFoundError):
            await scheduler.task_log(LogRead(task_id, "stdout", 0, 1))
    assert list(await scheduler.running_tasks()) == []


async def test_the_one_scheduler_leads_and_reconciles(scheduler: SchedulerPort) -> None:
    assert [each.leader for each in await scheduler.schedulers()] == [True]
    assert scheduler.default_time_zone()
    await scheduler.reconcile()
    await scheduler.reconcile_clock()

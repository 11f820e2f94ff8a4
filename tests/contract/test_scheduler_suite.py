"""One suite for what the API asks of a scheduler: the real one, and the one in memory that its tests stand on."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.conditions import Severity
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.errors import CallerError, ConflictError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.queries.logs import LogRead
from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.port import (
    AcknowledgeAlert,
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    DropSilence,
    KillTask,
    PublishApp,
    PutAlertRule,
    PutSilence,
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


async def ready(scheduler: SchedulerPort) -> list[tuple[str, int]]:
    parts = scheduler.reading.ready_jobs(QueueFilter())
    return [(each.job_name, each.times) async for part in parts for each in part]


async def state_of(scheduler: SchedulerPort) -> tuple[object, ...]:
    return (
        [(each.configuration, each.disabled) for each in await scheduler.apps()],
        [(each.configuration, each.disabled) for each in await scheduler.jobs()],
        await ready(scheduler),
        list(await scheduler.reading.failover_tasks(QueueFilter())),
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
    assert await ready(scheduler) == [("job", 2)]


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
    assert list(await scheduler.reading.running_tasks(QueueFilter())) == []


async def test_the_one_scheduler_leads_and_reconciles(scheduler: SchedulerPort) -> None:
    assert [each.leader for each in await scheduler.schedulers()] == [True]
    assert scheduler.default_time_zone()
    await scheduler.reconcile()
    await scheduler.reconcile_clock()


RULE = AlertRule(severity=Severity.INFO)


async def test_rules_are_of_what_there_is_and_go_with_it(scheduler: SchedulerPort) -> None:
    await scheduler.submit(PublishApp(app(), alerts=RULE))
    await scheduler.submit(RegisterJob(job(), alerts=RULE))
    await scheduler.submit(PutAlertRule("global", RULE))
    assert await scheduler.alerts.rules() == {"app:app": RULE, "global": RULE, "job:job": RULE}
    await scheduler.submit(UpdateJob(job()))
    assert "job:job" in await scheduler.alerts.rules()
    await scheduler.submit(UpdateJob(job(), alerts=AlertRule()))
    assert "job:job" not in await scheduler.alerts.rules()
    await scheduler.submit(UpdateJob(job(), alerts=RULE))
    await scheduler.submit(DeregisterJob("job"))
    await scheduler.submit(DeleteApp("app"))
    assert await scheduler.alerts.rules() == {"global": RULE}
    await scheduler.submit(PutAlertRule("global", None))
    assert await scheduler.alerts.rules() == {}


async def test_silences_are_kept_until_they_are_ended(scheduler: SchedulerPort) -> None:
    silence = Silence(silence_id="s", start_ms=0, end_ms=2**42, job_name="job")
    await scheduler.submit(PutSilence(silence))
    assert list(await scheduler.alerts.silences()) == [silence]
    await scheduler.submit(DropSilence("s"))
    assert list(await scheduler.alerts.silences()) == []
    with pytest.raises(NotFoundError):
        await scheduler.submit(DropSilence("s"))
    with pytest.raises(NotFoundError):
        await scheduler.submit(AcknowledgeAlert("none", "ada"))
    with pytest.raises(NotFoundError):
        await scheduler.alerts.event("none")


async def test_a_channel_stays_while_a_rule_names_it(scheduler: SchedulerPort) -> None:
    channel = Channel(name="ops", type=ChannelType.WEBHOOK, url="http://127.0.0.1:9/")
    await scheduler.alerts.put_channel(channel)
    assert list(await scheduler.alerts.channels()) == [channel]
    await scheduler.submit(PutAlertRule("global", AlertRule(channels=("ops",))))
    with pytest.raises(ConflictError):
        await scheduler.alerts.drop_channel("ops")
    await scheduler.submit(PutAlertRule("global", None))
    await scheduler.alerts.drop_channel("ops")
    assert list(await scheduler.alerts.channels()) == []
    for call in (scheduler.alerts.drop_channel("ops"), scheduler.alerts.try_channel("ops")):
        with pytest.raises(NotFoundError):
            await call

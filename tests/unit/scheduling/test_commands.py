"""What commands do, and that one that is refused changes nothing."""

import copy
from collections.abc import Callable

import pytest

from elasticjob_cloud.model.errors import CallerError, ConflictError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import RemoveApp
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    PublishApp,
    RegisterJob,
    SetAppDisabled,
    SetJobDisabled,
    TriggerJob,
    UpdateApp,
    UpdateJob,
)
from tests.unit.scheduling.core_driver import EVERY_MINUTE, HOUR_MS, MINUTE_MS, CoreDriver, app, daemon, job


def _busy() -> CoreDriver:
    driver = CoreDriver(job(cron=EVERY_MINUTE), job("off"), daemon("daemon"))
    driver.ask(TriggerJob("job"), SetJobDisabled("off", disabled=True))
    driver.ask(PublishApp(app("ending")), RegisterJob(job("dying", app_name="ending")), TriggerJob("dying"))
    driver.ask(DeleteApp("ending"))
    driver.ask(PublishApp(app("resting")), RegisterJob(job("resting", app_name="resting")))
    driver.ask(SetAppDisabled("resting", disabled=True))
    return driver


_REFUSED: list[tuple[ApiCommand, type[CallerError], str]] = [
    (PublishApp(app()), ConflictError, "exists already"),
    (PublishApp(app("ending")), ConflictError, "being removed, and its tasks still end"),
    (UpdateApp("none", {"cpu_count": 2.0}), NotFoundError, "There is no app 'none'"),
    (UpdateApp("ending", {"cpu_count": 2.0}), ConflictError, "is being removed"),
    (SetAppDisabled("none", disabled=True), NotFoundError, "There is no app"),
    (DeleteApp("ending"), ConflictError, "is being removed"),
    (RegisterJob(job()), ConflictError, "exists already"),
    (RegisterJob(job("new", app_name="none")), NotFoundError, "There is no app"),
    (RegisterJob(job("new", app_name="ending")), ConflictError, "is being removed"),
    (RegisterJob(job("new", cron="never")), InvalidRequestError, "cron"),
    (RegisterJob(job("new", cron="0 0 0 30 2 ?")), InvalidRequestError, "never fires again"),
    (RegisterJob(job("new", cron="0 0 0 1 1 ? 2025")), InvalidRequestError, "never fires again"),
    (RegisterJob(job("new", time_zone="Mars/Base")), InvalidRequestError, "timeZone: 'Mars/Base' is no IANA"),
    (RegisterJob(job("new", time_zone="../etc/passwd")), InvalidRequestError, "timeZone"),
    (RegisterJob(job("new", time_zone="America")), InvalidRequestError, "timeZone"),
    (UpdateJob(job("none")), NotFoundError, "There is no job 'none'"),
    (UpdateJob(job(app_name="resting")), InvalidRequestError, "cannot be changed from 'app'"),
    (UpdateJob(job(cron="never")), InvalidRequestError, "cron"),
    (UpdateJob(job(time_zone="Mars/Base")), InvalidRequestError, "timeZone"),
    (DeregisterJob("none"), NotFoundError, "There is no job"),
    (SetJobDisabled("none", disabled=True), NotFoundError, "There is no job"),
    (TriggerJob("none"), NotFoundError, "There is no job"),
    (TriggerJob("daemon"), InvalidRequestError, "is a DAEMON job"),
    (TriggerJob("off"), ConflictError, "is disabled; enable it first"),
    (TriggerJob("resting"), ConflictError, "belongs to app 'resting', which is disabled"),
]


@pytest.mark.parametrize("command,error,message", _REFUSED)
def test_a_refused_command_says_why_and_changes_nothing(
    command: ApiCommand, error: type[CallerError], message: str
) -> None:
    driver = _busy()
    before = copy.deepcopy(driver.store.load())
    next_due_ms = driver.core.next_start_ms()

    with pytest.raises(error, match=message):
        driver.ask(command)

    assert not driver.last.changes
    assert not driver.last.commands
    assert driver.store.load() == before
    assert driver.core.next_start_ms() == next_due_ms


def test_each_request_has_its_own_outcome() -> None:
    driver = CoreDriver()

    with pytest.raises(ConflictError):
        driver.ask(PublishApp(app("new")), PublishApp(app("new")), RegisterJob(job()))

    assert [error is None for error in driver.last.outcomes.values()] == [True, False, True]
    assert {"new", "app"} == set(driver.store.apps)
    assert "job" in driver.store.jobs


@pytest.mark.parametrize(
    "halt",
    [
        lambda on: SetJobDisabled("job", on),
        lambda on: SetAppDisabled("app", on),
        lambda on: UpdateApp("app", {}, on),
    ],
)
def test_a_halted_job_is_killed_and_fires_no_more_until_it_is_taken_up(
    halt: Callable[[bool], ApiCommand],
) -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE, misfire=True))
    driver.pass_time(MINUTE_MS)
    driver.pass_time(MINUTE_MS)
    task = driver.task()

    driver.ask(halt(True))
    driver.ask(halt(True))
    assert driver.core.next_start_ms() is None
    assert driver.store.tasks[task.task_id].kill_reason
    driver.end(task, TaskState.KILLED)
    driver.pass_time(HOUR_MS)
    driver.ask(halt(False))

    assert [fire.reason for fire in driver.fires(FireState.DROPPED)] == ["disabled"]
    driver.pass_time(MINUTE_MS)
    assert driver.launched()


def test_a_daemon_that_is_disabled_and_enabled_while_it_dies_is_started_once_it_is_dead() -> None:
    driver = CoreDriver(daemon())
    task = driver.task()
    driver.ask(SetJobDisabled("job", disabled=True), SetJobDisabled("job", disabled=False))
    assert not driver.launched()

    driver.end(task, TaskState.KILLED)

    assert driver.launched()
    assert len(driver.fires(FireState.RUNNING)) == 1


def test_a_job_stays_disabled_when_its_app_is_enabled_and_the_other_way_round() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.ask(SetJobDisabled("job", disabled=True), SetAppDisabled("app", disabled=True))

    driver.ask(SetAppDisabled("app", disabled=False))
    assert driver.core.next_start_ms() is None
    driver.ask(SetAppDisabled("app", disabled=True), SetJobDisabled("job", disabled=False))
    assert driver.core.next_start_ms() is None
    driver.ask(UpdateJob(job(cron=EVERY_MINUTE)))
    assert driver.core.next_start_ms() is None
    driver.ask(SetAppDisabled("app", disabled=False))

    assert driver.core.next_start_ms() == driver.wall_ms + MINUTE_MS


def test_a_job_registered_as_disabled_does_not_start_until_it_is_enabled() -> None:
    driver = CoreDriver()
    driver.ask(RegisterJob(daemon(), disabled=True))
    assert not driver.tasks()

    driver.ask(SetJobDisabled("job", disabled=False))

    assert driver.tasks()


def test_an_update_may_disable_and_enable_or_leave_it() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))
    driver.ask(TriggerJob("job"))

    driver.ask(UpdateJob(job(cron=EVERY_MINUTE), disabled=True))
    assert driver.killed()
    driver.ask(UpdateJob(job(cron=EVERY_MINUTE)))
    assert driver.store.jobs["job"].disabled
    driver.ask(UpdateJob(job(cron=EVERY_MINUTE), disabled=False))

    assert driver.core.next_start_ms() == driver.wall_ms + MINUTE_MS


def test_a_fire_that_waits_is_kept_by_an_update_of_a_transient_job() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.ask(TriggerJob("job"))

    driver.ask(UpdateJob(job(job_parameter="new")))
    driver.join()

    assert driver.launched()


def test_a_fire_that_waits_is_recorded_as_removed_when_its_job_becomes_a_daemon() -> None:
    driver = CoreDriver(job(), agents=0)
    driver.ask(TriggerJob("job"))

    driver.ask(UpdateJob(daemon()))

    assert [fire.reason for fire in driver.fires(FireState.DROPPED)] == ["removed"]
    assert len(driver.fires(FireState.WAITING)) == 1


def test_an_app_without_tasks_is_gone_at_once() -> None:
    driver = CoreDriver(job())

    driver.ask(DeleteApp("app"))

    assert not driver.store.apps
    assert not driver.store.jobs
    assert driver.sent(RemoveApp) == [RemoveApp("app")]


def test_a_job_that_is_removed_leaves_no_schedule() -> None:
    driver = CoreDriver(job(cron=EVERY_MINUTE))

    driver.ask(DeregisterJob("job"))

    assert not driver.store.schedules
    assert driver.core.next_start_ms() is None


def test_the_kills_of_a_run_are_sent_together() -> None:
    driver = CoreDriver(job(sharding_total_count=4))
    driver.ask(TriggerJob("job"))

    driver.ask(DeregisterJob("job"))

    assert [len(kill.task_ids) for kill in driver.sent(type(driver.last.commands["agent-0"][0]))] == [4]


def test_an_update_of_an_app_lasts_and_touches_only_what_it_names() -> None:
    driver = CoreDriver()

    driver.ask(UpdateApp("app", {"app_cache_enable": False}))

    assert driver.store.apps["app"].configuration == app(app_cache_enable=False)


ONCE = "0 5 12 26 10 ? 2026"  # five minutes after the driver's clock begins


def _spent(**changes: str) -> CoreDriver:
    driver = CoreDriver(job(cron=ONCE, **changes))
    driver.pass_time(HOUR_MS)
    driver.end(driver.task())
    return driver


@pytest.mark.parametrize(
    "configuration",
    [
        job(cron=ONCE, description="new"),
        job(cron=ONCE, time_zone="UTC"),
        job(),
        daemon(cron=ONCE),
    ],
)
def test_job_whose_cron_is_spent_can_be_changed(configuration: JobConfiguration) -> None:
    driver = _spent()

    driver.ask(UpdateJob(configuration))

    assert driver.core.state.jobs["job"].configuration == configuration
    assert driver.core.next_start_ms() is None
    driver.restart()
    assert driver.core.next_start_ms() is None


def test_default_zone_in_place_of_its_name_is_no_change() -> None:
    driver = _spent(time_zone="UTC")

    driver.ask(UpdateJob(job(cron=ONCE)))

    assert driver.core.next_start_ms() is None


def test_job_whose_cron_is_spent_can_be_disabled_and_enabled() -> None:
    driver = _spent()

    driver.ask(SetJobDisabled("job", disabled=True))
    driver.ask(SetJobDisabled("job", disabled=False))
    driver.ask(UpdateJob(job(cron=ONCE), disabled=True))
    driver.ask(UpdateJob(job(cron=ONCE), disabled=False))

    assert driver.core.next_start_ms() is None


@pytest.mark.parametrize(
    "configuration", [job(cron="0 6 12 26 10 ? 2026"), job(cron=ONCE, time_zone="Asia/Shanghai")]
)
def test_changed_cron_or_zone_must_fire_again(configuration: JobConfiguration) -> None:
    with pytest.raises(InvalidRequestError, match="never fires again"):
        _spent().ask(UpdateJob(configuration))


def test_app_that_is_published_disabled_starts_no_job_until_an_update_enables_it() -> None:
    driver = CoreDriver()
    driver.ask(
        PublishApp(app("new"), disabled=True), RegisterJob(job("one", app_name="new", cron=EVERY_MINUTE))
    )
    driver.pass_time(2 * MINUTE_MS)
    assert not driver.tasks("one")
    driver.ask(UpdateApp("new", {"app_cache_enable": False}, disabled=False))
    driver.pass_time(MINUTE_MS)
    assert driver.tasks("one")

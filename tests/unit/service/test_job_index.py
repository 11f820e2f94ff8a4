"""The index behind the job list: what it finds is what a list made afresh would have."""

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobSort, JobState
from elasticjob_cloud.model.records import AppRecord, Changes, FireRecord, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings, Now, Request
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeregisterJob,
    RegisterJob,
    SetAppDisabled,
    SetJobDisabled,
    TriggerJob,
)
from elasticjob_cloud.service.reading.job_index import JobIndex
from elasticjob_cloud.service.reading.last_results import LastResults
from elasticjob_cloud.service.reading.turns import ReadTurns

_START_MS = 1_795_000_000_000


class World:
    """A core, its index, and a clock that is moved by hand."""

    def __init__(self) -> None:
        apps = {
            name: AppRecord(
                AppConfiguration(app_name=name, app_url="http://host/app.tar.gz", bootstrap_script="start.sh")
            )
            for name in ("billing", "Reports")
        }
        ids = itertools.count()
        self.core = Core(
            Snapshot(apps=apps),
            CoreSettings(time_zone="UTC"),
            lambda: f"{next(ids):032x}",
        )
        self.results = LastResults()
        self.index = JobIndex(self.core, self.results)
        self.now_ms = _START_MS
        self.note(self.core.take_over(Now(self.now_ms, 0)).changes)

    def note(self, changes: Changes) -> None:
        self.results.note(changes)
        self.index.note(changes)

    def do(self, *commands: ApiCommand, wait_ms: int = 0) -> None:
        self.now_ms += wait_ms
        requests = [Request(number, command) for number, command in enumerate(commands)]
        decisions = self.core.handle(requests, Now(self.now_ms, self.now_ms - _START_MS))
        assert not any(decisions.outcomes.values())
        self.note(decisions.changes)

    def end(self, job_name: str, state: RunState) -> None:
        """Have the commit of a run's end noted, as the core's turn would give it."""
        fire = FireRecord(
            999,
            job_name,
            FireSource.CRON,
            self.now_ms,
            FireState.COMPLETED,
            self.now_ms,
            ended_ms=self.now_ms,
            outcome=state,
        )
        self.note(Changes(fires={fire.fire_id: fire}))

    def find(
        self, wanted: JobFilter | None = None, order: JobOrder | None = None, first: int = 0, count: int = 100
    ) -> tuple[int, list[str]]:
        async def find() -> tuple[int, list[str]]:
            async with ReadTurns().reader() as reader:
                return await self.index.find(wanted or JobFilter(), order or JobOrder(), first, count, reader)

        return asyncio.run(find())


def job(name: str, app_name: str = "billing", cron: str = "", **more: Any) -> RegisterJob:
    configuration = JobConfiguration(
        job_name=name,
        app_name=app_name,
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=1,
        cron=cron,
        **more,
    )
    return RegisterJob(configuration)


@pytest.fixture
def world() -> World:
    return World()


def test_a_job_is_found_as_soon_as_it_is_committed(world: World) -> None:
    assert world.find() == (0, [])

    world.do(job("b"), job("a"))

    assert world.find() == (2, ["a", "b"])
    world.do(DeregisterJob("a"))
    assert world.find() == (1, ["b"])


def test_search_looks_at_names_apps_and_descriptions_in_any_case(world: World) -> None:
    world.do(job("Nightly"), job("b", "Reports"), job("c", description="the NIGHT shift"), job("d"))

    assert world.find(JobFilter("night")) == (2, ["Nightly", "c"])
    assert world.find(JobFilter("REPORT")) == (1, ["b"])
    assert world.find(JobFilter("none such")) == (0, [])


def test_a_page_begins_where_it_is_asked_to_and_counts_all_that_match(world: World) -> None:
    world.do(*(job(f"job-{number:02}") for number in range(30)), job("other"))

    assert world.find(JobFilter("job-"), first=28, count=5) == (30, ["job-28", "job-29"])
    assert world.find(first=30, count=5) == (31, ["other"])
    assert world.find(first=40, count=5) == (31, [])


def test_jobs_that_never_fire_come_last_in_either_order(world: World) -> None:
    world.do(job("hourly", cron="0 0 * * * ?"), job("minutely", cron="0 * * * * ?"), job("by-hand"))

    assert world.find(order=JobOrder(JobSort.NEXT_FIRE))[1] == ["minutely", "hourly", "by-hand"]
    assert world.find(order=JobOrder(JobSort.NEXT_FIRE, descending=True))[1] == [
        "hourly",
        "minutely",
        "by-hand",
    ]


def test_the_next_fire_moves_on_with_each_fire(world: World) -> None:
    world.do(job("even", cron="0/20 * * * * ?"), job("odd", cron="10/20 * * * * ?"))
    world.do(wait_ms=60_000 - world.now_ms % 60_000 + 1)
    assert world.find(order=JobOrder(JobSort.NEXT_FIRE))[1] == ["odd", "even"]

    world.do(wait_ms=10_000)

    assert world.find(order=JobOrder(JobSort.NEXT_FIRE))[1] == ["even", "odd"]


def test_the_last_result_can_be_filtered_and_sorted_by(world: World) -> None:
    world.do(job("good"), job("bad"), job("new"))
    world.find()
    world.end("good", RunState.SUCCEEDED)
    world.end("bad", RunState.FAILED)

    assert world.find(JobFilter(state=JobState.FAILED)) == (1, ["bad"])
    assert world.find(order=JobOrder(JobSort.STATE))[1] == ["bad", "good", "new"]
    world.end("bad", RunState.SUCCEEDED)
    assert world.find(JobFilter(state=JobState.FAILED)) == (0, [])


def test_waiting_and_disabled_jobs_are_found(world: World) -> None:
    world.do(job("waits"), job("stopped"), job("idle"))
    world.do(TriggerJob("waits"), SetJobDisabled("stopped", disabled=True))

    assert world.find(JobFilter(state=JobState.WAITING)) == (1, ["waits"])
    assert world.find(JobFilter(state=JobState.DISABLED)) == (1, ["stopped"])
    assert world.find(JobFilter(state=JobState.ENABLED)) == (2, ["idle", "waits"])


def test_jobs_of_an_app_that_is_disabled_have_no_next_fire(world: World) -> None:
    world.do(job("a", cron="0 * * * * ?"), job("b", "Reports", cron="0 0 * * * ?"))
    assert world.find(order=JobOrder(JobSort.NEXT_FIRE))[1] == ["a", "b"]

    world.do(SetAppDisabled("billing", disabled=True))

    assert world.find(order=JobOrder(JobSort.NEXT_FIRE))[1] == ["b", "a"]


def test_whatever_is_done_the_index_finds_what_a_new_one_would(world: World) -> None:
    chance = random.Random(13)
    names = [f"job-{number}" for number in range(12)]
    for _ in range(60):
        name = chance.choice(names)
        _do_something(world, name, chance)
        afresh = JobIndex(world.core, world.results)
        for sort, descending in itertools.product(JobSort, (False, True)):
            order = JobOrder(sort, descending=descending)
            found = world.find(order=order)
            kept, world.index = world.index, afresh
            assert found == world.find(order=order)
            world.index = kept


def _do_something(world: World, name: str, chance: random.Random) -> None:
    if name not in world.core.state.jobs:
        world.do(job(name, chance.choice(("billing", "Reports")), f"{chance.randrange(60)} * * * * ?"))
        return
    deeds: list[Callable[[], None]] = [
        lambda: world.do(DeregisterJob(name)),
        lambda: world.do(SetJobDisabled(name, disabled=chance.random() < 0.5)),
        lambda: world.do(wait_ms=chance.randrange(30_000)),
        lambda: world.end(name, chance.choice((RunState.FAILED, RunState.SUCCEEDED, RunState.KILLED))),
    ]
    chance.choice(deeds)()

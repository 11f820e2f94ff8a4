"""The last results of jobs: from commits and from the store, in whatever order these come."""

import asyncio
from collections.abc import Sequence

import pytest

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobSort, JobState
from elasticjob_cloud.model.queries.runs import EndedRun, JobResults
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.reading import job_list
from elasticjob_cloud.service.reading.job_list import JobList
from elasticjob_cloud.service.reading.last_results import LastResult, LastResults
from elasticjob_cloud.service.reading.turns import ReadTurns
from tests.unit.scheduling.core_driver import CoreDriver, job

S, F, K, D = RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED, RunState.DROPPED


@pytest.mark.parametrize(
    "newest_first, fails",
    [((S,), False), ((F, S), True), ((D, K, F), True), ((K, S, F), False), ((D,), False)],
)
def test_a_job_fails_whose_last_verdict_is_a_failure(newest_first: tuple[RunState, ...], fails: bool) -> None:
    results = LastResults()
    for number, state in enumerate(newest_first):
        results.fill_from_newest(EndedRun(100 - number, 9 - number, "a", state, 100 - number))
    assert results.get("a") == LastResult(newest_first[0], 100)
    assert ("a" in results.failing) is fails
    assert results.is_settled("a") is bool({S, F} & set(newest_first))


class History:
    """Runs in memory, of which the latest are given, and some jobs' by name."""

    def __init__(self, *runs: EndedRun, troubles: int = 0) -> None:
        self.runs = sorted(runs, key=lambda it: (it.recorded_ms, it.run_id), reverse=True)
        self.asked_by_name: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._troubles = iter(range(troubles))

    async def latest_ended(
        self, before: tuple[int, int] | None, limit: int
    ) -> tuple[list[EndedRun], tuple[int, int] | None]:
        await self.gate.wait()
        if next(self._troubles, None) is not None:
            raise UnavailableError("not now")
        rest = [it for it in self.runs if before is None or (it.recorded_ms, it.run_id) < before]
        part = rest[:limit]
        return part, (part[-1].recorded_ms, part[-1].run_id) if len(part) == limit else None

    async def job_results(
        self, job_names: Sequence[str], daemon_names: Sequence[str]
    ) -> dict[str, JobResults]:
        self.asked_by_name += [*job_names, *daemon_names]
        return {
            name: JobResults(recent=tuple(it.state for it in self.runs if it.job_name == name))
            for name in job_names
        }


def core_of(*names: str) -> Core:
    return CoreDriver(*(job(name) for name in names)).core


def list_of(core: Core, history: History, known: list[bool] | None = None) -> JobList:
    told = [] if known is None else known
    return JobList(core, ReadTurns(), history, lambda: 0, "UTC", lambda: told.append(True))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "_LATEST_AT_ONCE", 3)
    monkeypatch.setattr(job_list, "_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(job_list, "_PAGE_WAIT_SECONDS", 0.0)


def runs_of(*states: tuple[str, RunState]) -> list[EndedRun]:
    return [EndedRun(number, number, name, state, number) for number, (name, state) in enumerate(states, 1)]


def test_results_are_read_along_the_latest_runs_and_not_job_by_job() -> None:
    async def read() -> None:
        history = History(*runs_of(("a", F), ("b", S), ("a", S), ("gone", F), ("b", F)), troubles=2)
        known: list[bool] = []
        jobs = list_of(core_of("a", "b", "idle"), history, known)
        assert await jobs.know_results_within(10)
        assert (jobs.results.get("a"), jobs.results.get("b")) == (LastResult(S, 3), LastResult(F, 5))
        assert jobs.results.get("idle") is None
        assert jobs.results.get("gone") is None
        assert (list(jobs.results.failing), known) == (["b"], [True])
        assert not {"a", "b", "idle"} & set(history.asked_by_name)

    asyncio.run(read())


def test_jobs_that_are_not_among_the_latest_are_read_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "_LATEST_PARTS", 2)

    async def read() -> None:
        history = History(*runs_of(("old", F), *[("busy", S)] * 9))
        jobs = list_of(core_of("old", "busy"), history)
        assert await jobs.know_results_within(10)
        assert history.asked_by_name == ["old"]
        assert list(jobs.results.failing) == ["old"]

    asyncio.run(read())


def test_a_page_says_that_results_are_still_being_read() -> None:
    async def read() -> None:
        history = History(*runs_of(("a", F), ("b", S)))
        history.gate.clear()
        jobs = list_of(core_of("a", "b"), history)
        by_state, failed = JobOrder(JobSort.STATE), JobFilter(state=JobState.FAILED)
        assert not (await jobs.page(JobFilter(), by_state, 1, 10)).complete
        early = await jobs.page(failed, JobOrder(), 1, 10)
        assert (early.total, early.complete) == (0, False)
        assert (await jobs.page(JobFilter(), JobOrder(), 1, 10)).complete
        history.gate.set()
        assert await jobs.know_results_within(10)
        later = await jobs.page(failed, JobOrder(), 1, 10)
        assert (later.total, later.complete) == (1, True)

    asyncio.run(read())


def test_names_to_be_changed_are_never_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "_LOAD_WAIT_SECONDS", 0.0)

    async def read() -> None:
        history = History(*runs_of(("a", F)))
        history.gate.clear()
        jobs = list_of(core_of("a"), history)
        with pytest.raises(UnavailableError, match="still being read"):
            await jobs.names(JobFilter(state=JobState.FAILED), JobOrder())
        assert "a" in await jobs.names(JobFilter(), JobOrder())
        jobs.close()

    asyncio.run(read())

"""`job list` and `job bulk`."""

from pathlib import Path

import pytest

from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import JobResults, ShardCounts
from elasticjob_cloud.model.queries.runs import Run as RecordedRun
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi


def failed_run(job_name: str) -> RecordedRun:
    return RecordedRun(
        run_id=7,
        job_name=job_name,
        app_name="my_app",
        source=FireSource.CRON,
        due_ms=1_795_000_000_000,
        recorded_ms=1_795_000_000_000,
        start_ms=1_795_000_000_100,
        end_ms=1_795_000_001_000,
        state=RunState.FAILED,
        reason="",
        shards=ShardCounts(1, 0, 0, 0, 1),
        summary="ValueError: bad",
        triggered_by="",
        rerun_of=0,
        count=1,
        last_due_ms=0,
    )


def test_list_shows_how_the_last_run_ended(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    scheduler.memory.reading.results["my_job"] = JobResults(failed_run("my_job"), (RunState.FAILED,))

    shown = run("job", "list").out

    assert "FAILED" in shown
    assert "NEXT FIRE" in shown


def test_list_asks_for_no_more_than_it_shows(run: Run, scheduler: RecordedApi) -> None:
    for number in range(120):
        scheduler.register(f"job-{number:03}")

    outcome = run("job", "list", "--limit", "110", "--descending", "--sort", "nextFire")

    assert [call.query["page"] for call in scheduler.calls] == [["1"], ["2"]]
    assert scheduler.calls[0].query["sort"] == ["nextFire"]
    assert scheduler.calls[0].query["order"] == ["desc"]
    assert outcome.out.count("job-") == 110
    assert "110 of 120 jobs" in outcome.err


def test_list_is_filtered_by_the_scheduler(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("night")
    scheduler.register("day", app_name="other")

    assert [job["jobName"] for job in run("job", "list", "--search", "NIGHT", "--json").json] == ["night"]
    assert [job["jobName"] for job in run("job", "list", "-a", "other", "--json").json] == ["day"]
    assert "No job matches" in run("job", "list", "--search", "neither").err


def test_bulk_says_how_many_jobs_these_are_and_does_nothing_without_a_yes(
    run: Run, scheduler: RecordedApi
) -> None:
    scheduler.register("night-1")
    scheduler.register("night-2")

    outcome = run("job", "bulk", "deregister", "--search", "night")

    assert outcome.code != 0
    assert "Deregister 2 jobs (night-1, night-2)?" in " ".join(outcome.err.split())
    assert len(scheduler.memory.job_records) == 2


def test_bulk_changes_the_jobs_that_match(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("night-1")
    scheduler.register("night-2")
    scheduler.register("day")

    outcome = run("job", "bulk", "disable", "--search", "night", "--yes")

    assert (outcome.code, outcome.err.strip()) == (0, "2 done, 0 failed.")
    assert [name for name, job in scheduler.memory.job_records.items() if job.disabled] == [
        "night-1",
        "night-2",
    ]


def test_bulk_lists_those_that_failed(run: Run, scheduler: RecordedApi, tmp_path: Path) -> None:
    scheduler.register("good")
    (tmp_path / "names").write_text("good\n\nnone_such\ngood\n")

    outcome = run("job", "bulk", "trigger", "--names-from", str(tmp_path / "names"), "--yes")

    assert outcome.code == 1
    assert "none_such" in outcome.out
    assert "1 done, 1 failed." in outcome.err
    assert scheduler.memory.waiting == {"good": 1}


def test_dry_run_shows_the_jobs_and_changes_nothing(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("night")

    assert run("job", "bulk", "disable", "--search", "night", "--dry-run", "--json").json == ["night"]
    assert not scheduler.memory.job_records["night"].disabled


@pytest.mark.parametrize("options", [(), ("--search", "a", "--names-from", "-")])
def test_bulk_wants_one_choice_of_jobs(run: Run, options: tuple[str, ...]) -> None:
    outcome = run("job", "bulk", "disable", *options)

    assert outcome.code == 2
    assert "--names-from" in outcome.err

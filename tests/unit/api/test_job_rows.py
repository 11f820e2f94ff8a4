"""Pages of the job list are never larger than 200 KB."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from elasticjob_cloud.api.answers.job_rows import job_rows
from elasticjob_cloud.api.answers.runs import run_view
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.jobs import JobRow
from elasticjob_cloud.model.queries.runs import JobResults, Run, ShardCounts
from elasticjob_cloud.model.records import JobRecord

ZONE = ZoneInfo("Asia/Shanghai")


def row(name: str, **fields: Any) -> JobRow:
    configuration = JobConfiguration(
        job_name=name,
        app_name="作" * 100,
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=1,
        memory_mb=1,
        **fields,
    )
    return JobRow(JobRecord(configuration), JobResults(), None, 0, "W" * 1000)


def test_a_page_of_the_longest_jobs_is_cut_and_says_so() -> None:
    props = {f"{number}" + "键" * 200: "值" * 1_000 for number in range(5)}
    long = "长" * 1_000
    rows = [
        row(f"{number:03}" + "名" * 97, props=props, job_parameter=long, description=long)
        for number in range(100)
    ]

    encoded = msgspec.json.encode({"total": 100, "rows": asyncio.run(job_rows(rows, ZONE))})

    assert len(encoded) <= 200_000
    shown = msgspec.json.decode(encoded)["rows"]
    assert all(each["shortened"] for each in shown)
    assert shown[5]["jobName"] == "005" + "名" * 97


def test_a_short_page_keeps_long_texts() -> None:
    (shown,) = asyncio.run(job_rows([row("a", job_parameter="x" * 50_000)], ZONE))

    view = msgspec.json.decode(shown)
    assert len(view["jobParameter"]) == 50_000
    assert "shortened" not in view


def test_only_long_rows_are_cut() -> None:
    rows = [row("short"), row("long", job_parameter="x" * 300_000)]

    short, long = (msgspec.json.decode(each) for each in asyncio.run(job_rows(rows, ZONE)))

    assert "shortened" not in short
    assert long["shortened"]


def test_last_run_is_shown_as_in_the_list_of_runs_without_secrets() -> None:
    run = Run(
        run_id=7,
        job_name="a",
        app_name="app",
        source=FireSource.TRIGGER,
        state=RunState.FAILED,
        reason="",
        shards=ShardCounts(2, 0, 0, 1, 1),
        summary="ValueError: password=hunter2",
        triggered_by="root",
        rerun_of=0,
        count=1,
        due_ms=1_000,
        recorded_ms=1_000,
        start_ms=2_000,
        end_ms=3_000,
        last_due_ms=0,
    )
    listed = msgspec.structs.replace(row("a"), results=JobResults(run))

    (shown,) = asyncio.run(job_rows([listed], ZONE))

    last_run = msgspec.json.decode(shown)["lastRun"]
    assert last_run == run_view(run, ZONE)
    assert "hunter2" not in last_run["summary"]

"""Failures that differ in numbers and ids alone are one group."""

import pytest

from elasticjob_cloud.model.queries.failures import Failures, grouped, normalised


@pytest.mark.parametrize(
    "summaries, expected",
    [
        (("Shard 1: no row 17 of 200", "Shard 12: no row 3 of 9"), "Shard #: no row # of #"),
        (("timeout after 30.5 s", "timeout after 7 s"), "timeout after # s"),
        (("no order 0b0d6c3e", "no order deadbeef01"), "no order #"),
        (
            (
                "lost 2f1a9f14-1f2e-4b5e-8a51-0c3f7f8a9b1c",
                "lost 00000000-0000-4000-8000-000000000000",
            ),
            "lost #",
        ),
        (("refused by 10.0.0.1:8080", "refused by 10.12.0.13:81"), "refused by #"),
        (("due 2026-11-22 03:00:00", "due 2025-01-02 13:10:59"), "due #-#-# #"),
    ],
)
def test_numbers_and_ids_are_left_out(summaries: tuple[str, ...], expected: str) -> None:
    assert {normalised(each) for each in summaries} == {expected}


@pytest.mark.parametrize(
    "summary", ["exit code 3: FATAL: quota exceeded", "killed by signal 9", "ValueError: facade", "没有数据"]
)
def test_what_tells_failures_apart_is_kept(summary: str) -> None:
    assert normalised(summary) == summary


def test_a_long_summary_takes_no_longer_than_its_beginning() -> None:
    assert len(normalised("a1 " * 100_000)) <= 300
    assert normalised("a" * 100_000) == "a" * 300


def test_groups_count_failures_and_jobs_and_name_the_latest() -> None:
    first, second, third = grouped(
        [
            Failures("no row 1", "a", 3, 100, 1),
            Failures("no row 2", "b", 1, 300, 9),
            Failures("no row 1", "b", 2, 200, 8),
            Failures("gone", "a", 1, 50, 2),
            Failures("late", "d", 1, 60, 0),
        ]
    )
    assert (first.summary, first.count, first.jobs) == ("no row #", 6, 2)
    assert (first.last_ms, first.last_run_id, first.last_job_name) == (300, 9, "b")
    assert first.last_summary == "no row 2"
    assert [second.summary, third.summary] == ["late", "gone"]

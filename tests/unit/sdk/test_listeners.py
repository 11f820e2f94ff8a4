"""Listeners around the executions of a job."""

import asyncio
import sys

import pytest

from elasticjob_cloud import JobListener, ShardingContext, StartError
from elasticjob_cloud.sdk.jobs.listeners import Listener, bind_listeners
from elasticjob_cloud.testing import run_shard


class Teller(JobListener):
    def __init__(self, name: str = "x", failing: str = "") -> None:
        self.name = name
        self.failing = failing

    def before_job_executed(self, context: ShardingContext) -> None:
        print("before", self.name, context.sharding_item)
        if self.failing == "before":
            raise ValueError(f"{self.name} fails before")

    def after_job_executed(self, context: ShardingContext) -> None:
        print("after", self.name, context.sharding_item)
        if self.failing == "after":
            raise ValueError(f"{self.name} fails after")


def job(context: ShardingContext) -> None:
    print("job")


async def async_job(context: ShardingContext) -> None:
    await asyncio.sleep(0)
    print("job")


def failing_job(context: ShardingContext) -> None:
    raise KeyError("the job's own")


@pytest.mark.parametrize("work", [job, async_job])
def test_listeners_are_told_around_the_job_the_first_outermost(work: object) -> None:
    result = run_shard(work, item=3, total_count=4, listeners=[Teller("a"), Teller("b")])  # type: ignore[arg-type]  # both are jobs
    assert result.stdout.splitlines() == ["before a 3", "before b 3", "job", "after b 3", "after a 3"]


def test_exception_before_keeps_the_job_from_running() -> None:
    result = run_shard(job, listeners=[Teller("a"), Teller("b", "before"), Teller("c")])
    assert str(result.exception) == "b fails before"
    assert result.stdout.splitlines() == ["before a 0", "before b 0", "after a 0"]


def test_exception_after_is_one_of_the_job_and_all_are_told() -> None:
    result = run_shard(job, listeners=[Teller("a"), Teller("b", "after")])
    assert str(result.exception) == "b fails after"
    assert result.stdout.splitlines()[-2:] == ["after b 0", "after a 0"]


def test_failure_of_the_job_is_told_before_that_of_a_listener() -> None:
    result = run_shard(failing_job, listeners=[Teller("a", "after"), Teller("b")])
    assert isinstance(result.exception, KeyError)
    assert "Teller.after_job_executed failed" in result.stderr
    assert "a fails after" in result.stderr
    assert result.stdout.splitlines()[-2:] == ["after b 0", "after a 0"]


def test_listener_is_told_of_the_end_of_a_job_that_exits() -> None:
    result = run_shard(lambda context: sys.exit(3), listeners=[Teller])
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == "before x 0\nafter x 0\n"


class NeedsArgument(JobListener):
    def __init__(self, url: str) -> None: ...


@pytest.mark.parametrize("listeners", [[5], [NeedsArgument], [dict], Teller, Teller()])
def test_what_is_no_listener_is_refused(listeners: list[Listener]) -> None:
    with pytest.raises(StartError):
        bind_listeners(listeners)

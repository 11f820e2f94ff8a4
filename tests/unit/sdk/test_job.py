"""The forms of a job, and which job serves which name."""

from collections.abc import Callable
from typing import Any

import pytest

from elasticjob_cloud import NotFoundError, ShardingContext, SimpleJob, StartError
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.sdk.jobs.registry import JobRegistry

CONTEXT = ShardingContext("t", "job", 3, 1)


class Recorder(SimpleJob):
    created = 0

    def __init__(self) -> None:
        type(self).created += 1
        self.items: list[int] = []

    def execute(self, context: ShardingContext) -> None:
        self.items.append(context.sharding_item)


class Asynchronous(SimpleJob):
    async def execute(self, context: ShardingContext) -> None: ...


class AsynchronousCallable:
    async def __call__(self, context: ShardingContext) -> None: ...


class Duck:
    def execute(self, context: ShardingContext) -> None: ...


class NeedsArgument(SimpleJob):
    def __init__(self, url: str) -> None:
        self.url = url

    def execute(self, context: ShardingContext) -> None: ...


class NoJob:
    pass


def function(context: ShardingContext) -> None: ...


async def coroutine(context: ShardingContext) -> None: ...


def test_instance_is_called_as_it_is() -> None:
    job = Recorder()
    bind_job(job).function(CONTEXT)
    assert job.items == [1]


@pytest.mark.parametrize("job", [Recorder, Recorder(), Duck, Duck(), function, print, lambda context: None])
def test_every_plain_form_is_a_job(job: object) -> None:
    assert bind_job(job).is_async is False


@pytest.mark.parametrize("job", [Asynchronous, Asynchronous(), coroutine, AsynchronousCallable()])
def test_async_forms_are_recognised(job: object) -> None:
    assert bind_job(job).is_async is True


@pytest.mark.parametrize(
    "job, part",
    [
        (5, "is no job"),
        (NoJob, "no method `execute"),
        (NoJob(), "is no job"),
        (SimpleJob, "could not be created"),
        (NeedsArgument, "pass an instance"),
        (lambda: None, "one argument"),
        (lambda a, b: None, "one argument"),
    ],
)
def test_what_is_no_job_is_refused_with_advice(job: object, part: str) -> None:
    with pytest.raises(StartError, match=part):
        bind_job(job)


def test_one_job_serves_every_name() -> None:
    registry = JobRegistry(function)
    assert registry.find("a") is registry.find("b")
    assert registry.names == ()


def test_class_is_instantiated_once_for_all_its_names() -> None:
    Recorder.created = 0
    registry = JobRegistry({"a": Recorder, "b": Recorder})
    assert Recorder.created == 1
    assert registry.find("a") is registry.find("b")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="It has: a, b\\."):
        JobRegistry({"b": function, "a": function}).find("c")


def test_long_list_of_names_is_cut() -> None:
    registry = JobRegistry({f"job-{number:02}": function for number in range(30)})
    with pytest.raises(NotFoundError, match="job-19 and 10 more"):
        registry.find("c")


def test_empty_mapping_is_refused() -> None:
    empty: dict[str, Callable[[Any], None]] = {}
    with pytest.raises(StartError, match="at least one"):
        JobRegistry(empty)

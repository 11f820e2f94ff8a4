"""Dataflow jobs: fetch, process, and again while there is something."""

from collections.abc import Sequence

import pytest

from elasticjob_cloud import DataflowJob, ShardingContext, StartError
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.testing import run_shard

STREAMING = {"streaming.process": "true"}


class Numbers(DataflowJob[int]):
    def __init__(self, *batches: Sequence[int] | None) -> None:
        self.batches = list(batches)
        self.processed: list[Sequence[int]] = []

    def fetch_data(self, context: ShardingContext) -> Sequence[int] | None:
        return self.batches.pop(0) if self.batches else None

    def process_data(self, context: ShardingContext, data: Sequence[int]) -> None:
        self.processed.append(data)


class AsyncNumbers(DataflowJob[int]):
    def __init__(self, *batches: Sequence[int]) -> None:
        self.batches = list(batches)
        self.processed: list[Sequence[int]] = []

    async def fetch_data(self, context: ShardingContext) -> list[int]:
        return list(self.batches.pop(0)) if self.batches else []

    async def process_data(self, context: ShardingContext, data: Sequence[int]) -> None:
        self.processed.append(data)


class HalfAsync(Numbers):
    async def process_data(self, context: ShardingContext, data: Sequence[int]) -> None:  # type: ignore[override]  # on purpose
        self.processed.append(data)


class Truthless(list[int]):
    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is ambiguous")


@pytest.mark.parametrize("job", [Numbers([1], [2]), AsyncNumbers([1], [2]), HalfAsync([1], [2])])
def test_one_batch_is_processed_without_streaming(job: Numbers | AsyncNumbers) -> None:
    assert run_shard(job).success
    assert job.processed == [[1]]


@pytest.mark.parametrize("job", [Numbers([1], [2, 3]), AsyncNumbers([1], [2, 3]), HalfAsync([1], [2, 3])])
def test_streaming_goes_on_until_nothing_is_fetched(job: Numbers | AsyncNumbers) -> None:
    assert run_shard(job, props=STREAMING).success
    assert job.processed == [[1], [2, 3]]


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_nothing_is_never_processed(nothing: Sequence[int] | None) -> None:
    job = Numbers(nothing, [1])
    assert run_shard(job, props=STREAMING).success
    assert job.processed == []


def test_only_the_word_true_means_streaming() -> None:
    job = Numbers([1], [2], [3], [4])
    run_shard(job, props={"streaming.process": " TRUE "})
    assert len(job.processed) == 4
    job = Numbers([1], [2])
    run_shard(job, props={"streaming.process": "1"})
    assert len(job.processed) == 1


def test_data_without_truth_is_data() -> None:
    job = Numbers(Truthless([1]))
    assert run_shard(job).success
    assert job.processed == [[1]]


def test_data_without_length_is_refused_with_advice() -> None:
    job = Numbers(number for number in [1])  # type: ignore[arg-type]  # on purpose
    assert "return a sequence" in str(run_shard(job).exception)


def test_exception_of_either_method_ends_the_shard() -> None:
    class Failing(Numbers):
        def process_data(self, context: ShardingContext, data: Sequence[int]) -> None:
            raise ValueError(f"cannot process {data}")

    job = Failing([1], [2])
    assert "cannot process [1]" in str(run_shard(job, props=STREAMING).exception)
    assert job.batches == [[2]]


def test_streaming_stops_when_killed_though_the_job_swallows_it() -> None:
    class Endless(Numbers):
        def fetch_data(self, context: ShardingContext) -> Sequence[int] | None:
            from elasticjob_cloud.sdk.shards.shard import current_shard

            shard = current_shard.get()
            assert shard is not None
            if len(self.processed) == 3:
                shard.killed = True  # and the interrupt was swallowed
            return [1]

    job = Endless()
    assert run_shard(job, props=STREAMING).success
    assert len(job.processed) == 4


def test_duck_is_a_dataflow_job_and_a_class_is_created_once() -> None:
    class Duck:
        def fetch_data(self, context: ShardingContext) -> list[str]:
            return [context.job_name]

        def process_data(self, context: ShardingContext, data: list[str]) -> None:
            print(data)

    assert run_shard(Duck).stdout == "['test-job']\n"  # type: ignore[arg-type]  # on purpose
    assert not bind_job(Duck).is_async
    assert bind_job(AsyncNumbers).is_async
    assert bind_job(HalfAsync()).is_async


def test_wrong_signature_gets_advice() -> None:
    class Wrong:
        def fetch_data(self, context: ShardingContext) -> None: ...

        def process_data(self, context: ShardingContext) -> None: ...

    with pytest.raises(StartError, match="two arguments, the context and the data"):
        bind_job(Wrong)
    with pytest.raises(StartError, match="could not be created"):
        bind_job(DataflowJob)

"""A job author's code: `mypy --strict` of the project checks that it needs no cast and no ignore."""

from collections.abc import Mapping

from elasticjob_cloud import (
    ElasticJobError,
    Job,
    JobBootstrap,
    ShardingContext,
    SimpleJob,
    TaskKilledError,
    current_task,
)
from elasticjob_cloud.sdk.testing import ShardResult, run_shard


class Plain(SimpleJob):
    def __init__(self, limit: int = 10) -> None:
        self.limit = limit

    def execute(self, context: ShardingContext) -> None:
        item: int = context.sharding_item
        name: str = context.job_name
        props: Mapping[str, str] = context.props
        while not current_task().killed and item < self.limit:
            item += len(props) + len(name)


class Asynchronous(SimpleJob):
    async def execute(self, context: ShardingContext) -> None:
        parameter: str = context.sharding_parameter
        del parameter


def function(context: ShardingContext) -> None:
    try:
        print(context.task_id)
    except TaskKilledError as killed:
        raise SystemExit from killed


async def coroutine(context: ShardingContext) -> None:
    print(context.job_parameter)


def serve_one() -> None:
    JobBootstrap.execute(Plain)
    JobBootstrap.execute(Plain(5))
    JobBootstrap.execute(Asynchronous)
    JobBootstrap.execute(function)
    JobBootstrap.execute(coroutine, max_threads=8)


def serve_several() -> None:
    jobs: dict[str, Job] = {"plain": Plain, "instance": Plain(3), "async": Asynchronous, "function": function}
    try:
        JobBootstrap.execute(jobs)
        JobBootstrap.execute({"one": function, "two": coroutine})
    except ElasticJobError as error:
        print(error)


def check_by_hand() -> None:
    Plain().execute(ShardingContext(task_id="t", job_name="plain", sharding_total_count=1, sharding_item=0))
    result: ShardResult = run_shard(Plain, item=1, total_count=2)
    assert result.success, result.exception

"""A job author's code: `mypy --strict` of the project checks that it needs no cast and no ignore."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elasticjob_cloud import (
    DataflowJob,
    ElasticJobError,
    Job,
    JobBootstrap,
    JobExecutionError,
    JobListener,
    JobType,
    ShardingContext,
    SimpleJob,
    TaskKilledError,
    current_task,
)
from elasticjob_cloud.testing import ShardResult, run_shard


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


@dataclass
class Order:
    number: int


class Dataflow(DataflowJob[Order]):
    def fetch_data(self, context: ShardingContext) -> list[Order] | None:
        return [Order(context.sharding_item)]

    def process_data(self, context: ShardingContext, data: Sequence[Order]) -> None:
        numbers: list[int] = [order.number for order in data]
        del numbers


class AsynchronousDataflow(DataflowJob[Order]):
    async def fetch_data(self, context: ShardingContext) -> tuple[Order, ...]:
        return (Order(context.sharding_item),)

    async def process_data(self, context: ShardingContext, data: Sequence[Order]) -> None:
        for order in data:
            await self.ship(order)

    async def ship(self, order: Order) -> None:
        print(order.number)


class Listener(JobListener):
    def before_job_executed(self, context: ShardingContext) -> None:
        print(context.job_name)


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
    JobBootstrap.execute(Dataflow)
    JobBootstrap.execute(AsynchronousDataflow(), listeners=[Listener, Listener()])
    JobBootstrap.execute("HTTP")
    JobBootstrap.execute("SCRIPT")


def serve_several() -> None:
    jobs: dict[str, Job] = {"plain": Plain, "instance": Plain(3), "async": Asynchronous, "function": function}
    kind: JobType = "HTTP"
    jobs |= {"dataflow": Dataflow, "flow": AsynchronousDataflow(), "call": kind, "script": "SCRIPT"}
    try:
        JobBootstrap.execute(jobs)
        JobBootstrap.execute({"one": function, "two": coroutine})
        JobBootstrap.execute({"one": "HTTP", "two": "SCRIPT"})
    except JobExecutionError:
        raise
    except ElasticJobError as error:
        print(error)


def check_by_hand() -> None:
    Plain().execute(ShardingContext(task_id="t", job_name="plain", sharding_total_count=1, sharding_item=0))
    result: ShardResult = run_shard(Plain, item=1, total_count=2)
    result = run_shard(Dataflow(), listeners=[Listener()], error_handler="LOG")
    result = run_shard("HTTP", props={"http.uri": "http://127.0.0.1/"})
    assert result.success, result.exception

"""`elasticjob-cloud logs`: what a job printed, without the id of a task."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from elasticjob_cloud.cli.following import wait_a_moment
from elasticjob_cloud.cli.log_targets import Shard, find_shards, with_failures
from elasticjob_cloud.cli.options import UrlOption, connect
from elasticjob_cloud.cli.output import say_failure
from elasticjob_cloud.cli.shard_log import ShardLog
from elasticjob_cloud.cli.shard_printer import ShardPrinter
from elasticjob_cloud.model.errors import NotFoundError


class Streams(StrEnum):
    """Which of a task's outputs."""

    BOTH = "both"
    STDOUT = "stdout"
    STDERR = "stderr"


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="JOB_OR_RUN_OR_TASK",
        help="A job's name: its last run; a run's id; or a task's id.",
        show_default=False,
    ),
]
ItemOption = Annotated[int | None, typer.Option("--item", "-i", help="Only this shard.", show_default=False)]
FailedOption = Annotated[bool, typer.Option("--failed", help="The shards that failed last.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")]
TailOption = Annotated[
    int | None,
    typer.Option(
        "--tail",
        "-n",
        min=1,
        max=10_000,
        help="Only the last so many lines of each shard.",
        show_default=False,
    ),
]
StreamOption = Annotated[Streams, typer.Option("--stream", "-s", help="Which output to show.")]


def logs(
    name: NameArgument,
    item: ItemOption = None,
    failed: FailedOption = False,
    follow: FollowOption = False,
    tail: TailOption = None,
    stream: StreamOption = Streams.BOTH,
    url: UrlOption = None,
) -> None:
    """Show what the last run of a job printed, also while it runs.

    Lines of several shards begin with the shard's number. Why a shard failed comes after its output.
    """
    with connect(url) as scheduler:
        shards = find_shards(scheduler, name, failed=failed)
        if item is not None:
            shards = [shard for shard in shards if shard.item == item]
        if not shards:
            raise NotFoundError(_nothing(name, item, failed=failed))
        printers = [
            ShardPrinter(
                ShardLog(scheduler, shard.task_id, stream.value, tail),
                f"[{shard.item}] " if len(shards) > 1 else "",
            )
            for shard in shards
        ]
        if follow:
            _follow(printers)
            # What failed meanwhile is known by now.
            _say_failures(with_failures(scheduler, shards))
        else:
            for shard, printer in zip(shards, printers, strict=True):
                printer.print_present(patient=False)
                printer.finish()
                _say_failures([shard])


def _follow(printers: Sequence[ShardPrinter]) -> None:
    left = list(printers)
    while left:
        for printer in left:
            printer.print_present(patient=True)
            if printer.is_over:
                printer.finish()
        left = [printer for printer in left if not printer.is_over]
        if left:
            wait_a_moment()


def _say_failures(shards: Sequence[Shard]) -> None:
    for shard in shards:
        if shard.failure:
            say_failure(f"Shard {shard.item} failed: {shard.failure}")


def _nothing(name: str, item: int | None, *, failed: bool) -> str:
    if failed and item is None:
        return f"No shard of {name} has failed, as far as the history goes."
    return f"The last run of {name} has no {'failed ' if failed else ''}shard {item}."

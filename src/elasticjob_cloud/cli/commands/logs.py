"""`elasticjob-cloud logs`: what a job printed, without the id of a task."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from elasticjob_cloud.cli.following import wait_a_moment
from elasticjob_cloud.cli.log_targets import Shard, find_failures, find_shards
from elasticjob_cloud.cli.options import UrlOption, connect
from elasticjob_cloud.cli.output import say, say_failure, write_raw
from elasticjob_cloud.cli.shard_log import ShardLog
from elasticjob_cloud.model.errors import NotFoundError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection


class Streams(StrEnum):
    """Which of a task's outputs."""

    BOTH = "both"
    STDOUT = "stdout"
    STDERR = "stderr"


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="JOB_OR_TASK", help="A job's name: its last run; or a task's id.", show_default=False
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
            ShardPrinter(scheduler, shard, stream, tail, has_prefix=len(shards) > 1) for shard in shards
        ]
        if follow:
            _follow(printers)
            # What failed meanwhile is known by now.
            failures = find_failures(scheduler, name)
            _say_failures([Shard(it.item, it.task_id, failures.get(it.task_id, "")) for it in shards])
        else:
            for printer in printers:
                printer.print_present(patient=False)
                printer.finish()
                _say_failures([printer.shard])


class ShardPrinter:
    """Prints a shard's output, whole lines at a time where there are other shards."""

    def __init__(
        self, scheduler: "Connection", shard: Shard, stream: Streams, tail: int | None, *, has_prefix: bool
    ) -> None:
        self.shard = shard
        self._log = ShardLog(scheduler, shard.task_id, stream.value, tail)
        self._prefix = f"[{shard.item}] " if has_prefix else ""
        self._half_line = ""
        self._is_missing = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._log.is_over or self._is_missing

    def print_present(self, *, patient: bool) -> None:
        """Print what is there and was not printed yet."""
        try:
            for text in self._log.read_present(patient=patient):
                self._print(text)
        except NotFoundError as error:
            self._is_missing = True
            say(f"{self._prefix}{error}")

    def finish(self) -> None:
        """Print what was no whole line, and tell what is not."""
        if self._half_line:
            write_raw(f"{self._prefix}{self._half_line}\n")
            self._half_line = ""
        if self._log.is_truncated:
            say(
                f"{self._prefix}The output is not whole: a part of it could not be kept, or is beyond output_limit_bytes."
            )

    def _print(self, text: str) -> None:
        if not self._prefix:
            write_raw(text)
            return
        *lines, self._half_line = (self._half_line + text).split("\n")
        write_raw("".join(f"{self._prefix}{line}\n" for line in lines))


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

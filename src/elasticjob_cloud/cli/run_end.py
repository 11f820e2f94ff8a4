"""Waiting for the end of a run, printing what its shards print meanwhile, and telling how it ended."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from elasticjob_cloud.cli.following import ask_patiently, wait_longer
from elasticjob_cloud.cli.output import print_json, say, say_failure, seconds_between
from elasticjob_cloud.cli.shard_log import BOTH, ShardLog
from elasticjob_cloud.cli.shard_printer import ShardPrinter
from elasticjob_cloud.model.errors import UnavailableError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

# What `--wait` ends with, by the run's state; all other states are not the last.
EXIT_CODES: Final[Mapping[str, int]] = {"SUCCEEDED": 0, "FAILED": 1, "KILLED": 5, "DROPPED": 5}
_FAILURES_TOLD: Final = 10
_SHARDS_PER_WAIT: Final = 1000  # a run of ten thousand shards is a large answer


def read_run(scheduler: "Connection", run_id: int) -> Mapping[str, Any]:
    """Give a run with its configuration and shards."""
    detail: Mapping[str, Any] = scheduler.get("job", "runs", str(run_id))
    return detail


def wait_for_end(scheduler: "Connection", run_id: int, *, follow: bool) -> Mapping[str, Any]:
    """Wait until a run has ended, and give it; `follow`: print what its shards print."""
    output = RunOutput(scheduler)
    looks = 0
    try:
        while True:
            detail = ask_patiently(lambda: read_run(scheduler, run_id), patient=True)
            if follow:
                output.print_present(detail["shards"])
            if detail["run"]["state"] in EXIT_CODES:
                return detail
            for _ in range(1 + len(detail["shards"]) // _SHARDS_PER_WAIT):
                wait_longer(looks)
            looks += 1
    except KeyboardInterrupt:
        say(f"Run {run_id} goes on. See: elasticjob-cloud run show {run_id}")
        raise


def tell_run(scheduler: "Connection", run_id: int, *, wait: bool, follow: bool, json: bool) -> None:
    """Tell of a run that was just started: its end, if that is to be waited for, with the exit code that stands for it.

    As JSON: the run's id, or the run as the API gives it.
    """
    if not (wait or follow):
        if json:
            print_json({"runId": run_id})
        return
    # With JSON, stdout has nothing else.
    detail = wait_for_end(scheduler, run_id, follow=follow and not json)
    if json:
        print_json(detail)
    else:
        say_end(detail)
    raise typer.Exit(EXIT_CODES[detail["run"]["state"]])


class RunOutput:
    """What the shards of a run print, attempt after attempt."""

    def __init__(self, scheduler: "Connection") -> None:
        self._scheduler = scheduler
        self._printers: dict[str, ShardPrinter] = {}
        self._printed: set[str] = set()

    def print_present(self, shards: Sequence[Mapping[str, Any]]) -> None:
        """Print what was not printed yet, and the rest of what attempts that have ended printed."""
        for shard in shards:
            prefix = f"[{shard['item']}] " if len(shards) > 1 else ""
            for attempt in shard["attempts"]:
                if attempt["taskId"] not in self._printed:
                    self._print(attempt, prefix)

    def _print(self, attempt: Mapping[str, Any], prefix: str) -> None:
        task_id, has_ended = attempt["taskId"], attempt["endTime"] is not None
        printer = self._printers.get(task_id)
        if printer is None:
            log = ShardLog(self._scheduler, task_id, BOTH, None)
            printer = self._printers[task_id] = ShardPrinter(log, prefix)
        try:
            printer.print_present(patient=False, may_begin=not has_ended)
        except UnavailableError as error:  # the agent is lost, or away for a moment
            if has_ended:
                say(f"{prefix}{error}")
        if has_ended:
            printer.finish()
            self._printed.add(task_id)
            del self._printers[task_id]


def say_end(detail: Mapping[str, Any]) -> None:
    """Tell how a run ended, and why; failures in red on a terminal."""
    run = detail["run"]
    name = f"Run {run['runId']} of {run['jobName']}"
    match run["state"]:
        case "SUCCEEDED":
            seconds = seconds_between(run["startTime"], run["endTime"])
            count = run["shards"]["total"]
            say(f"{name} succeeded: {count} shard{'' if count == 1 else 's'} in {seconds} s.")
        case "FAILED":
            say_failure(f"{name} failed: {run['summary'] or 'no reason was told'}")
            _say_failed_shards(detail["shards"])
            say(
                f"Output: elasticjob-cloud logs {run['runId']} --failed\n"
                f"Run what failed again: elasticjob-cloud run rerun {run['runId']}"
            )
        case state:
            reason = f": {run['reason']}" if run["reason"] else "."
            say_failure(f"{name} was {state.lower()}{reason}")


def failure_of(shard: Mapping[str, Any]) -> str:
    """Say why a shard has failed; empty where it has not."""
    if shard["state"] != "FAILED" or not shard["attempts"]:
        return ""
    last = shard["attempts"][-1]
    return str(last["summary"] or last["state"])


def _say_failed_shards(shards: Sequence[Mapping[str, Any]]) -> None:
    failed = [(shard["item"], why) for shard in shards if (why := failure_of(shard))]
    if len(failed) < 2:  # the run's summary has it
        return
    for item, why in failed[:_FAILURES_TOLD]:
        say_failure(f"Shard {item} failed: {why}")
    if len(failed) > _FAILURES_TOLD:
        say_failure(f"{len(failed) - _FAILURES_TOLD} more shards failed.")

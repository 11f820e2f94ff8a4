"""`elasticjob-cloud run-local`: shards of a job, run here and now, without any server."""

import argparse
import os
import sys
import threading
import traceback
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.jobs.sharding import (
    ShardingParameterError,
    check_sharding_item_parameters,
    parse_sharding_item_parameters,
)
from elasticjob_cloud.model.output.output_file import StreamName
from elasticjob_cloud.sdk.jobs.binding import bind_job
from elasticjob_cloud.sdk.jobs.listeners import add_listeners, bind_listeners
from elasticjob_cloud.sdk.jobs.process_groups import kill_groups
from elasticjob_cloud.sdk.jobs.spec import load_job, load_listener
from elasticjob_cloud.sdk.local_shard import UNBOUNDED_BYTES, run_local_shard
from elasticjob_cloud.sdk.notifications.error_handlers import (
    MESSAGE_HANDLERS,
    find_error_handler,
    handler_problem,
    messages,
)
from elasticjob_cloud.sdk.shards.bound_job import BoundJob
from elasticjob_cloud.sdk.shards.output import ShardOutput
from elasticjob_cloud.sdk.streams.routing import install_default_logging, install_routing, write_own

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130
_MOST_THREADS = 32
_MESSAGES_SECONDS = 15.0

_DESCRIPTION = (
    "Run a job's shards on this machine, without scheduler or agent: for writing and debugging jobs."
)
_EPILOG = """\
examples:
  elasticjob-cloud run-local my_app.jobs:Cleanup
      one shard, item 0
  elasticjob-cloud run-local my_app.jobs:Cleanup --shards 3 --parameters "0=Beijing,1=Shanghai,2=Xi'an"
      all three shards at the same time, each line with its item in front
  elasticjob-cloud run-local my_app.jobs:Cleanup --shards 3 --item 1
      item 1 of 3 alone, in the main thread: breakpoint() and pdb work
  elasticjob-cloud run-local HTTP --prop http.uri=http://127.0.0.1:8080/cleanup --shards 2
      two requests, as a job of type HTTP sends them

The module is looked for in the working directory first.

exit codes: 0 all shards ended well, 1 a shard failed, 2 something in the command is wrong,
  4 the module, the job or a setting of it is wrong
"""


def main(arguments: Sequence[str]) -> int:
    """Run the shards that the arguments ask for; give the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        parameters = parse_parameters(options.parameters, options.shards)
        bound = _bind(options)
        contexts = _make_contexts(options, parameters)
        _check_handler(options)
    except StartError as error:
        sys.stderr.write(f"elasticjob-cloud: {error}\n")
        return error.exit_code
    if len(contexts) == 1:
        failed = (
            [] if run_in_terminal(bound, contexts[0], options.error_handler) else [contexts[0].sharding_item]
        )
    else:
        failed = _run_all(bound, contexts, options.error_handler)
    if not messages.flush(_MESSAGES_SECONDS):
        sys.stderr.write("elasticjob-cloud: not all messages of the error handler could be sent in time\n")
    if failed:
        items = ", ".join(map(str, failed))
        sys.stderr.write(f"elasticjob-cloud: {len(failed)} of {len(contexts)} shards failed: item {items}\n")
        return _EXIT_FAILED
    return 0


def _check_handler(options: argparse.Namespace) -> None:
    problem = handler_problem(options.error_handler, dict(options.prop))
    if problem is not None:
        raise StartError(f"--error-handler: {problem}")


def _bind(options: argparse.Namespace) -> BoundJob:
    listeners = bind_listeners(load_listener(spec) for spec in options.listener)
    return add_listeners(bind_job(load_job(options.job)), listeners)


def parse_parameters(text: str, shards: int) -> dict[int, str]:
    """Read `0=Beijing,1=Shanghai`.

    Raises:
        StartError: If it is not of this form, or names an item outside the count.
    """
    try:
        return parse_sharding_item_parameters(check_sharding_item_parameters(text, shards), shards)
    except ShardingParameterError as error:
        raise StartError(f"--parameters: {error}") from error


def run_in_terminal(bound: BoundJob, context: ShardingContext, error_handler: str = "LOG") -> bool:
    """Run a shard with its output where it is; whether it ended well."""
    install_default_logging()
    return _run_one(bound, context, _NoOutput(), error_handler)


def _run_all(bound: BoundJob, contexts: Sequence[ShardingContext], error_handler: str) -> list[int]:
    install_routing()
    terminal = _Terminal()

    def run(context: ShardingContext) -> bool:
        output = _PrefixedOutput(f"[{context.sharding_item}] ", terminal)
        return _run_one(bound, context, output, error_handler)

    with ThreadPoolExecutor(min(len(contexts), _MOST_THREADS)) as pool:
        try:
            ended = list(pool.map(run, contexts))
        except KeyboardInterrupt:
            kill_groups()
            os._exit(_EXIT_INTERRUPTED)  # threads cannot be interrupted, and the pool would wait for them
    return [context.sharding_item for context, is_good in zip(contexts, ended, strict=True) if not is_good]


def _run_one(bound: BoundJob, context: ShardingContext, output: ShardOutput, error_handler: str) -> bool:
    """Run a shard; whether it ended well. Raises KeyboardInterrupt: Ctrl-C ends more than a shard."""
    failure = run_local_shard(bound, context, output, partial(_handle, error_handler))
    if isinstance(failure, KeyboardInterrupt):
        raise failure
    return failure is None


def _handle(error_handler: str, context: ShardingContext, failure: BaseException) -> None:
    """Print the traceback, which a job's author wants to see whatever the handler is; send what it sends."""
    if isinstance(failure, KeyboardInterrupt):
        return
    handler = find_error_handler(error_handler)
    if handler is not None and error_handler in MESSAGE_HANDLERS:
        handler.handle(context, failure)  # logs it, too
        return
    sys.stderr.write(f"Job '{context.job_name}' item {context.sharding_item} failed\n")
    traceback.print_exception(failure)


class _Terminal:
    """The process's own streams, a line at a time."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._lock = threading.RLock()

    def write(self, stream: StreamName, line: bytes) -> None:
        with self._lock:
            write_own(stream, line)


class _PrefixedOutput:
    """Puts a shard's item in front of each line."""

    def __init__(self, prefix: str, terminal: _Terminal) -> None:
        self.limit_bytes = UNBOUNDED_BYTES
        self._prefix = prefix.encode()
        self._terminal = terminal
        self._pending: dict[StreamName, bytes] = {"stdout": b"", "stderr": b""}

    def write(self, stream: StreamName, data: bytes) -> bool:
        *lines, self._pending[stream] = (self._pending[stream] + data).split(b"\n")
        for line in lines:
            self._terminal.write(stream, self._prefix + line + b"\n")
        return True

    def flush(self, stream: StreamName) -> None:
        """Do nothing: half a line would be continued by another shard."""

    def fileno(self, stream: StreamName) -> int | None:
        """There is no file: what other processes print has no item in front."""

    def renew(self) -> None:
        self._terminal.renew()
        self._pending = {"stdout": b"", "stderr": b""}

    def close(self) -> None:
        for stream, rest in self._pending.items():
            if rest:
                self.write(stream, b"\n")


class _NoOutput:
    """Leaves the terminal to a shard that has it to itself."""

    limit_bytes = UNBOUNDED_BYTES

    def write(self, stream: StreamName, data: bytes) -> bool:  # noqa: ARG002 - as its protocol says
        return False

    def flush(self, stream: StreamName) -> None:
        """Do nothing, as all of these: the shard writes to the terminal."""

    def fileno(self, stream: StreamName) -> int | None:
        """There is no file."""

    def renew(self) -> None:
        """There is no lock."""

    def close(self) -> None:
        """There is nothing to close."""


def _make_contexts(options: argparse.Namespace, parameters: Mapping[int, str]) -> list[ShardingContext]:
    if options.item is not None and options.item >= options.shards:
        raise StartError(
            f"--item {options.item}: the items of {options.shards} shards are 0 to {options.shards - 1}."
        )
    items = range(options.shards) if options.item is None else [options.item]
    run = uuid.uuid4().hex
    name = options.job_name or options.job.rpartition(":")[2]
    return [
        ShardingContext(
            task_id=f"{name}@-@{item}@-@READY@-@local@-@{run}",
            job_name=name,
            sharding_total_count=options.shards,
            sharding_item=item,
            sharding_parameter=parameters.get(item, ""),
            job_parameter=options.job_parameter,
            props=dict(options.prop),
        )
        for item in items
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="elasticjob-cloud run-local",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "job", metavar="module:Job", help="the job: a class, an instance or a function; or HTTP, or SCRIPT"
    )
    parser.add_argument("--shards", type=_positive, default=1, metavar="N", help="shardingTotalCount (1)")
    parser.add_argument(
        "--item", type=_natural, metavar="K", help="run this sharding item only (all of them)"
    )
    parser.add_argument(
        "--parameters", default="", metavar="TEXT", help='shardingItemParameters: "0=Beijing,1=Shanghai"'
    )
    parser.add_argument("--job-parameter", default="", metavar="X", help="jobParameter")
    parser.add_argument("--job-name", metavar="NAME", help="jobName (what stands after the colon)")
    parser.add_argument(
        "--prop",
        type=_property,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one of props; repeatable",
    )
    parser.add_argument(
        "--error-handler",
        default="LOG",
        metavar="TYPE",
        help="jobErrorHandlerType (LOG); EMAIL, WECHAT, DINGTALK and WEBHOOK send a message, as --prop says",
    )
    parser.add_argument(
        "--listener",
        action="append",
        default=[],
        metavar="module:Listener",
        help="is told of each shard; repeatable",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number; items start at 0")
    return int(text)


def _property(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    return key, value

"""The fields of apps and jobs as options: one table for each, from which the commands' options are made."""

import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.jobs.job import (
    SCRIPT_COMMAND_LINE,
    ErrorHandlerType,
    ExecutorServiceType,
    JobExecutionType,
)

STANDARD_INPUT = Path("-")


def option_name(api_name: str) -> str:
    """Give a field's option: `memoryMB` is `--memory-mb`."""
    return "--" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", api_name).lower()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an app or job: its name in the API, its type on the command line, what it means."""

    api_name: str
    kind: type
    meaning: str
    short: str = ""

    @property
    def parameter(self) -> str:
        """The name that the command's function would have for it."""
        return option_name(self.api_name).removeprefix("--").replace("-", "_")

    def as_parameter(self) -> inspect.Parameter:
        """Make the parameter that Typer turns into this option."""
        option = option_name(self.api_name)
        names = [f"{option}/--no-{option.removeprefix('--')}"] if self.kind is bool else [option]
        if self.short:
            names.append(self.short)
        info = typer.Option(*names, help=self.meaning, show_default=False, case_sensitive=False)
        annotation = Annotated[self.kind | None, info]  # type: ignore[name-defined]  # made while it runs
        return inspect.Parameter(
            self.parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )


APP_FIELDS = (
    Field("appURL", str, "Where the app is: http, https, ftp, or, with a standalone scheduler, file.", "-u"),
    Field("bootstrapScript", str, "The command that starts the app's executor, in the extracted app.", "-b"),
    Field("cpuCount", float, "CPUs that the app's executor reserves (by default 1)."),
    Field("memoryMB", float, "Memory in MB that the app's executor reserves (by default 128)."),
    Field("appCacheEnable", bool, "Download the app once (the default), or again for each start."),
    Field(
        "eventTraceSamplingCount", int, "Record every Nth execution of daemon jobs only; 0, the default: all."
    ),
)
JOB_FIELDS = (
    Field("appName", str, "The app that the job belongs to.", "-a"),
    Field(
        "cron",
        str,
        "When it fires, in Quartz's grammar, such as '0/5 * * * * ?'. Without: by trigger only.",
        "-c",
    ),
    Field("timeZone", str, "The cron's time zone, such as Asia/Shanghai; by default the scheduler's."),
    Field("jobExecutionType", JobExecutionType, "TRANSIENT: its tasks end. DAEMON: they stay.", "-t"),
    Field("shardingTotalCount", int, "How many shards a run has.", "-n"),
    Field("shardingItemParameters", str, "A parameter for each shard, such as 0=Beijing,1=Shanghai."),
    Field("jobParameter", str, "A parameter for all shards.", "-p"),
    Field("cpuCount", float, "CPUs that one shard reserves, at least 0.001."),
    Field("memoryMB", float, "Memory in MB that one shard reserves, at least 1."),
    Field("failover", bool, "Start lost or failed shards again, elsewhere if possible."),
    Field("misfire", bool, "Make up fires that came due during a run."),
    Field("jobExecutorServiceHandlerType", ExecutorServiceType, "What runs the shards inside an executor."),
    Field("jobErrorHandlerType", ErrorHandlerType, "What an exception in job code leads to."),
    Field("timeoutSeconds", int, "Kill a shard after this time; 0: never."),
    Field("description", str, "What the job is for.", "-d"),
)
# The API asks for these four; here they may be left out.
JOB_DEFAULTS: Mapping[str, object] = {
    "cpuCount": 0.1,
    "memoryMB": 64,
    "shardingTotalCount": 1,
    "jobExecutionType": JobExecutionType.TRANSIENT.value,
}
WRITABLE_JOB_FIELDS = frozenset({"jobName", "props", *(field.api_name for field in JOB_FIELDS)})

PropOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prop", metavar="KEY=VALUE", help="A property of the job. May be repeated.", show_default=False
    ),
]
RemovePropOption = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-prop", metavar="KEY", help="Drop a property. May be repeated.", show_default=False
    ),
]
ScriptOption = Annotated[
    str | None,
    typer.Option(
        "--script",
        "-s",
        metavar="COMMAND",
        help=f"Run this shell command for each shard: short for --prop {SCRIPT_COMMAND_LINE}=COMMAND.",
        show_default=False,
    ),
]


def with_fields(fields: Sequence[Field]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each field; it gets those that were given as the dictionary `given`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(**arguments: Any) -> None:
            given = {field.api_name: arguments.pop(field.parameter) for field in fields}
            command(given={name: value for name, value in given.items() if value is not None}, **arguments)

        own = [
            parameter for name, parameter in inspect.signature(command).parameters.items() if name != "given"
        ]
        parameters = [
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *(field.as_parameter() for field in fields),
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return decorate


def read_document(file: Path | None) -> dict[str, Any]:
    """Read the fields in a JSON or TOML file, or in stdin for `-`; none without a file."""
    if file is None:
        return {}
    source = "standard input" if file == STANDARD_INPUT else str(file)
    try:
        raw = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        text = raw.decode("utf-8-sig")
        is_json = file.suffix == ".json" or (file.suffix != ".toml" and text.lstrip().startswith(("{", "[")))
        document = json.loads(text) if is_json else tomllib.loads(text)
    except OSError as error:
        raise InvalidRequestError(f"{source} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InvalidRequestError(f"{source} is neither JSON nor TOML: {error}.") from None
    if not isinstance(document, dict):
        raise InvalidRequestError(f"{source} must hold one JSON object, with the fields of one app or job.")
    return document


def named(document: Mapping[str, Any], field: str, name: str | None) -> dict[str, Any]:
    """Add the name from the command line to a document, which may hold it as well, but no other."""
    own = document.get(field)
    if name is None and not own:
        raise InvalidRequestError(f"Give the name, as an argument or as {field} in the file of --file.")
    if name is not None and own not in (None, name):
        raise InvalidRequestError(
            f"The command says {name}, and the file's {field} says {own}: which one is meant?"
        )
    return {**document, field: name or own}


def merge_props(
    props: Mapping[str, object], prop: Sequence[str] | None, remove: Sequence[str] | None, script: str | None
) -> dict[str, object]:
    """Change only those properties that the options name."""
    merged = dict(props)
    for pair in prop or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidRequestError(f"--prop {pair}: write it as key=value.")
        merged[key] = value
    for key in remove or ():
        if key not in merged:
            raise InvalidRequestError(f"--remove-prop {key}: the job has no such property.")
        del merged[key]
    if script is not None:
        merged[SCRIPT_COMMAND_LINE] = script
    return merged

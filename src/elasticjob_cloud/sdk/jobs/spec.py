"""Jobs named on a command line: `module:Job`, or `job_name=module:Job` for each."""

import difflib
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import cast

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.sdk.jobs.dataflow import DataflowJob
from elasticjob_cloud.sdk.jobs.job import JOB_TYPES, Job, JobType, SimpleJob
from elasticjob_cloud.sdk.jobs.listeners import Listener

_NAMES_SHOWN = 10


def load_jobs(specs: Iterable[str]) -> Job | Mapping[str, Job]:
    """Import the jobs of a command line.

    Args:
        specs: One `module:Job` that serves every job name, or `job_name=module:Job` for each name. The attribute may
            have dots. Modules are looked for in the working directory first. `HTTP` and `SCRIPT` stand for these types.

    Raises:
        StartError: If a job cannot be found; the message says what is there instead.
    """
    given = list(specs)
    if len(given) == 1 and "=" not in given[0]:
        return load_job(given[0])
    jobs: dict[str, Job] = {}
    for spec in given:
        name, separator, target = spec.partition("=")
        if not separator or not name:
            raise StartError(f"{spec!r}: with several jobs, write each as job_name=module:Job.")
        if name in jobs:
            raise StartError(f"The job name {name!r} is given twice.")
        jobs[name] = load_job(target)
    if not jobs:
        raise StartError("No job given. Write module:Job, or job_name=module:Job for each of several.")
    return jobs


def load_job(spec: str) -> Job:
    """Import the job `module:Job`, or take a built-in type as it is.

    Raises:
        StartError: As `load_jobs`.
    """
    if spec in JOB_TYPES:
        return cast("JobType", spec)
    target = _load(spec)
    if not callable(target) and not hasattr(target, "execute") and not hasattr(target, "fetch_data"):
        raise StartError(f"{spec!r} is {target!r}, which is no job: a class, an instance or a function is.")
    return cast("Job", target)  # `bind_job` checks the rest


def load_listener(spec: str) -> Listener:
    """Import the listener `module:Listener`.

    Raises:
        StartError: As `load_jobs`; `bind_listeners` checks what was found.
    """
    return cast("Listener", _load(spec))


def _load(spec: str) -> object:
    module_name, separator, path = spec.partition(":")
    if not module_name or (separator and not path):
        raise StartError(f"{spec!r} names no job: write module:Job, as in my_app.jobs:Cleanup.")
    module = _import_module(module_name)
    if not separator:
        raise StartError(f"{spec!r} names a module. Write {module_name}:Job.{_job_hint(module)}")
    target: object = module
    for part in path.split("."):
        if not hasattr(target, part):
            raise StartError(
                f"{spec!r}: {_describe(target)} has no {part!r}.{_name_hint(part, target, module)}"
            )
        target = getattr(target, part)
    return target


def _import_module(name: str) -> ModuleType:
    working_directory = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if working_directory not in sys.path and "" not in sys.path:
        sys.path.insert(0, working_directory)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise StartError(
                f"Module {name!r} imports {error.name!r}, which is not installed: add it to the app."
            ) from error
        raise StartError(f"There is no module {name!r}.{_directory_hint(name, working_directory)}") from error
    except Exception as error:
        raise StartError(f"Module {name!r} cannot be imported:\n{traceback.format_exc()}") from error


def _directory_hint(name: str, directory: str) -> str:
    if name.endswith(".py") or os.sep in name:
        return " Write a module's name, with dots and without .py."
    here = sorted(
        entry.name.removesuffix(".py")
        for entry in os.scandir(directory)
        if not entry.name.startswith((".", "_")) and (entry.name.endswith(".py") or entry.is_dir())
    )
    if not here:
        return f" {directory} holds no Python modules: is this the app's directory?"
    close = difflib.get_close_matches(name.partition(".")[0], here, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"{guess} {directory} holds: {_enumerate(here)}."


def _name_hint(name: str, target: object, module: ModuleType) -> str:
    close = difflib.get_close_matches(name, dir(target), 1)
    return f" Did you mean {close[0]!r}?" if close else _job_hint(module)


def _describe(target: object) -> str:
    return f"module {target.__name__!r}" if isinstance(target, ModuleType) else repr(target)


def _job_hint(module: ModuleType) -> str:
    jobs = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        and (
            (inspect.isclass(value) and issubclass(value, SimpleJob | DataflowJob))
            or inspect.isfunction(value)
        )
    ]
    return f" It has: {_enumerate(jobs)}." if jobs else " It holds no jobs."


def _enumerate(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")

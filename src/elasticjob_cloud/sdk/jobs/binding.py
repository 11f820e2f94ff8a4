"""How each form of a job becomes one function of a sharding context."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.sdk.jobs.dataflow import DataflowJob, run_async_dataflow, run_dataflow
from elasticjob_cloud.sdk.jobs.job import JOB_TYPES
from elasticjob_cloud.sdk.shards.bound_job import BoundJob, JobFunction


def bind_job(job: object) -> BoundJob:
    """Turn a job in any of its forms into a function: a class is instantiated, once, here.

    Args:
        job: A class or an object with an `execute` method, or with `fetch_data` and `process_data`; a function that
            takes the context; or the name of a built-in type.

    Raises:
        StartError: If it is none of these, or its class cannot be instantiated without arguments.
    """
    if isinstance(job, str):
        return BoundJob(_find_built_in(job), is_async=False, is_built_in=True)
    target = _instantiate(job) if inspect.isclass(job) else job
    if _is_dataflow(target):
        return _bind_dataflow(cast("DataflowJob[Any]", target))
    execute = getattr(target, "execute", target)
    if not callable(execute):
        raise StartError(
            f"{job!r} is no job: give a class or an object with `execute(self, context)`, "
            "or a function that takes the context."
        )
    _check_signature(execute, "one argument, the context")
    return BoundJob(execute, _is_async(execute))


def _find_built_in(name: str) -> JobFunction:
    # Their modules are imported for those who use them: HTTP alone takes longer than all the rest.
    if name == "HTTP":
        from elasticjob_cloud.sdk.jobs.http_job import call_http  # noqa: PLC0415

        return call_http
    if name == "SCRIPT":
        from elasticjob_cloud.sdk.jobs.script_job import run_script  # noqa: PLC0415

        return run_script
    raise StartError(f"{name!r} is no job type: {' and '.join(JOB_TYPES)} are.")


def _is_dataflow(target: object) -> bool:
    return callable(getattr(target, "fetch_data", None)) and callable(getattr(target, "process_data", None))


def _bind_dataflow(job: DataflowJob[Any]) -> BoundJob:
    fetch, process = job.fetch_data, job.process_data
    _check_signature(fetch, "one argument, the context")
    _check_signature(process, "two arguments, the context and the data", 2)
    is_async = _is_async(fetch) or _is_async(process)
    return BoundJob(partial(run_async_dataflow if is_async else run_dataflow, fetch, process), is_async)


def _instantiate(job: type) -> object:
    if not callable(getattr(job, "execute", None)) and not _is_dataflow(job):
        raise StartError(
            f"{job.__qualname__} is no job: it has no method `execute(self, context)`, "
            "nor `fetch_data` and `process_data`."
        )
    try:
        return job()
    except Exception as error:
        raise StartError(
            f"{job.__qualname__}() could not be created: {type(error).__name__}: {error}. "
            "A job class is called without arguments; pass an instance if it needs some."
        ) from error


def _check_signature(function: Callable[..., object], arguments: str, count: int = 1) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some built-in callables have none to show
    try:
        signature.bind(*[None] * count)
    except TypeError:
        name = getattr(function, "__qualname__", repr(function))
        raise StartError(f"{name}{signature} cannot be called with {arguments}.") from None


def _is_async(function: Callable[..., object]) -> bool:
    # A callable object hides its coroutine function behind __call__.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - not asked whether it is callable, but what it is
    )

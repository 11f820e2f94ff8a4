"""Settings of agents that few need to touch. `SchedulerSettings` has them all, with those that many need."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, FiniteFloat, PositiveInt
from pydantic_settings import BaseSettings, NoDecode

from elasticjob_cloud.model.jobs.names import is_own_variable

_PositiveSeconds = Annotated[FiniteFloat, Field(gt=0)]
_Seconds = Annotated[FiniteFloat, Field(ge=0)]


_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _split(value: object) -> object:
    parts = (value,) if isinstance(value, str) else value
    if not isinstance(parts, (tuple, list)) or not all(isinstance(part, str) for part in parts):
        return value
    return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())


def _variable_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _VARIABLE_NAME.fullmatch(name):
            raise ValueError("must be names of variables, without their values")
        if is_own_variable(name):
            raise ValueError("must name no ELASTICJOB_ variable: among them are the scheduler's passwords")
    return names


class AgentTuning(BaseSettings):
    """How often an agent looks, how much it does at once, and how patient it is."""

    pass_env: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_variable_names)
    ] = Field(
        (),
        description="Variables that jobs inherit beyond `PATH`, `HOME` and the like (comma-separated; the option can be "
        "repeated).",
    )
    memory_check_seconds: _PositiveSeconds = Field(
        0.25, description="How often an agent measures the memory of tasks and executors."
    )
    memory_reserve_fraction: FiniteFloat = Field(
        0.1,
        ge=0,
        lt=1,
        description="The part of the machine's memory that an agent does not offer to tasks.",
    )
    processes_at_once: PositiveInt = Field(
        1_000, description="How many scripts run at once on an agent; the others wait their turn."
    )
    fresh_processes_at_once: int = Field(
        0,
        ge=0,
        description="How many scripts may be in their start at once. 0: four for each processor, at least eight.",
    )
    fresh_process_seconds: _Seconds = Field(0.02, description="For how long a script counts as in its start.")
    executor_connect_seconds: _PositiveSeconds = Field(
        60.0, description="How long an app's executor may take to register."
    )
    executor_line_limit_bytes: ByteSize = Field(
        ByteSize(16 * 1024**2), ge=64 * 1024, description="The longest message that an executor may send."
    )
    executor_restart_seconds: _PositiveSeconds = Field(
        0.5, description="The pause after an executor's first failed start; it doubles with each further one."
    )
    executor_restart_maximum_seconds: _PositiveSeconds = Field(
        30.0, description="The longest pause between failed starts of an executor."
    )
    executor_settled_seconds: _Seconds = Field(
        10.0, description="An executor that dies with its tasks before this age counts as a failed start."
    )
    output_sweep_seconds: _PositiveSeconds = Field(
        60.0, description="How often an agent removes output that is past its limits."
    )
    app_connect_seconds: _PositiveSeconds = Field(
        10.0, description="How long connecting to an app's server may take."
    )
    app_idle_seconds: _PositiveSeconds = Field(
        30.0, description="How long an app's server may send nothing during a download."
    )
    app_answer_wait_seconds: _Seconds = Field(
        1.0,
        description="How long a start waits for the server of an app that is cached, to hear whether it changed.",
    )
    app_extraction_seconds: _PositiveSeconds = Field(
        600.0, description="How long unpacking an app's archive may take."
    )
    app_revalidate_seconds: _Seconds = Field(
        1.0, description="For how long a server's answer that an app has not changed holds."
    )
    app_revalidate_timeout_seconds: _PositiveSeconds = Field(
        5.0,
        description="How long a server may take to say whether an app changed, before the cached one is used.",
    )
    app_stale_seconds: _Seconds = Field(
        10.0, description="How long a server that did not answer is not asked again."
    )
    app_downloads_at_once: PositiveInt = Field(
        64, description="How many downloads and extractions run at once on an agent."
    )
    app_downloads_per_url: PositiveInt = Field(
        4, description="How many downloads of one URL run at once on an agent."
    )

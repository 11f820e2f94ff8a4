"""A script whose parameters no process can take is refused when it is registered, and the field is named."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.scripts.script_size import MAXIMUM_ARGUMENT_BYTES, script_size_errors


def job_of(
    command: str = "./run", items: str = "", parameter: str = "", pass_context: str = "true"
) -> JobConfiguration:
    return JobConfiguration(
        job_name="my_job",
        app_name="my_app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=3,
        cpu_count=0.1,
        memory_mb=64.0,
        sharding_item_parameters=items,
        job_parameter=parameter,
        props={"script.command.line": command, "script.pass.context": pass_context},
    )


@pytest.mark.parametrize(
    "job",
    [
        job_of(),
        job_of(parameter="x" * 65_536),
        job_of(parameter='"' * 60_000),
        job_of(items=f"0={'x' * 60_000},1={'y' * 60_000}", parameter="x" * 60_000),
        job_of("(./run)", parameter="'" * 65_000),
        job_of(parameter="'" * 65_000, pass_context="False"),
        job_of(f"echo {'x' * 60_000};"),
    ],
)
def test_what_a_process_can_take_is_accepted(job: JobConfiguration) -> None:
    assert script_size_errors(job) == []


@pytest.mark.parametrize(
    "job,field,part",
    [
        (job_of(parameter='"' * 65_536), "jobParameter", "with it"),
        (job_of(parameter="'" * 30_000), "jobParameter", "with it"),
        (job_of(parameter="北" * 20_000, items=f"1={'京' * 24_000}"), "shardingItemParameters", "of item 1"),
        (job_of(items=f"0=a,2={'x' * 131_000}"), "shardingItemParameters", "of item 2"),
        (job_of("(./run)", items=f"2={'x' * 131_072}"), "shardingItemParameters", "of item 2"),
        (job_of(items=f"2={'x' * 131_072}", pass_context="false"), "shardingItemParameters", "of item 2"),
        (
            job_of(f"echo {'x' * 65_400}", parameter="x" * 64_600, items="0=" + "x" * 4_000),
            "props",
            "command.line",
        ),
    ],
)
def test_field_that_is_too_long_is_named(job: JobConfiguration, field: str, part: str) -> None:
    [error] = script_size_errors(job)
    assert error.field == field
    assert part in error.message


def test_job_of_an_executor_has_no_such_bound() -> None:
    job = job_of(parameter="'" * 65_000)
    del job.props["script.command.line"]
    assert script_size_errors(job) == []


@given(st.text(st.sampled_from("x'\"\\北\x01"), max_size=300), st.integers(0, 120_000))
def test_accepted_context_fits_into_one_argument(text: str, filler: int) -> None:
    parameter = (text * 300)[:20_000] + "x" * filler
    job = job_of(items=f"0={parameter.replace(',', '')}")
    if not script_size_errors(job):
        context = ShardingContext("my_job@-@0@-@READY@-@agent@-@uuid", "my_job", 3, 0, parameter.strip())
        assert len(f"./run {shlex.quote(context.to_json())}".encode()) <= MAXIMUM_ARGUMENT_BYTES

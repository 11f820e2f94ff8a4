"""Fields of ElasticJob's forms and of 2.x, and values that an update leaves as they are stored."""

from typing import Any

import pytest
from pydantic import ValidationError

from elasticjob_cloud.api.requests.models import JobRequest, PublishAppRequest
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.queries.statistics import StatisticInterval

JOB: dict[str, Any] = {
    "appName": "app",
    "jobName": "job",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": "2",
    "cpuCount": "0.5",
    "memoryMB": "1e2",
}


def test_strings_of_a_form_are_numbers_and_booleans() -> None:
    given = JobRequest.model_validate({**JOB, "failover": "true", "jobParameter": "7"})
    configuration = given.to_configuration()
    assert (configuration.sharding_total_count, configuration.cpu_count, configuration.memory_mb) == (
        2,
        0.5,
        100,
    )
    assert (configuration.failover, configuration.job_parameter) == (True, "7")


def test_app_is_published_disabled_when_it_says_so() -> None:
    body = {"appName": "a", "appURL": "http://h/a", "bootstrapScript": "x", "disabled": "true"}
    assert PublishAppRequest.model_validate(body).disabled is True


@pytest.mark.parametrize(
    "fields, props",
    [
        ({"scriptCommandLine": "", "streamingProcess": False}, {}),
        ({"scriptCommandLine": "./run.sh"}, {"script.command.line": "./run.sh"}),
        ({"streamingProcess": "true"}, {"streaming.process": "true"}),
        ({"streamingProcess": True, "props": {"streaming.process": "TRUE"}}, {"streaming.process": "true"}),
    ],
)
def test_fields_of_2_x_become_props(fields: dict[str, Any], props: dict[str, str]) -> None:
    assert JobRequest.model_validate({**JOB, **fields}).to_configuration().props == props


@pytest.mark.parametrize(
    "field, value, props",
    [
        ("scriptCommandLine", " ", {}),
        ("scriptCommandLine", "./a", {"script.command.line": "./b"}),
        ("streamingProcess", False, {"streaming.process": "true"}),
    ],
)
def test_field_of_2_x_that_cannot_be_is_blamed(field: str, value: object, props: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        JobRequest.model_validate({**JOB, field: value, "props": props})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


def test_stored_value_is_kept_though_it_is_refused_today() -> None:
    stored = JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=20_000,
        cpu_count=0.5,
        memory_mb=1.0,
        sharding_item_parameters="30000=a",
    )
    body = {**JOB, "shardingTotalCount": 20_000, "shardingItemParameters": "30000=a"}
    kept = JobRequest.model_validate(body, context=stored)
    assert (kept.sharding_total_count, kept.sharding_item_parameters) == (20_000, "30000=a")
    for changed in ({**body, "shardingTotalCount": 20_001}, {**body, "shardingItemParameters": "30001=a"}):
        with pytest.raises(ValidationError):
            JobRequest.model_validate(changed, context=stored)
    with pytest.raises(ValidationError):  # the items were good for another count
        JobRequest.model_validate({**body, "shardingTotalCount": 2}, context=stored)


def test_intervals_begin_at_whole_multiples() -> None:
    assert [interval.start_ms(100_000_000) for interval in StatisticInterval] == [
        99_960_000,
        97_200_000,
        86_400_000,
    ]

"""The bodies of calls: every field, its default, its bounds."""

from typing import Any

import pytest
from pydantic import ValidationError

from elasticjob_cloud.api.requests.legacy import LEGACY_FIELDS
from elasticjob_cloud.api.requests.models import (
    JobRequest,
    LoginRequest,
    PublishAppRequest,
    UpdateAppRequest,
)
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import (
    ErrorHandlerType,
    ExecutorServiceType,
    JobConfiguration,
    JobExecutionType,
)

APP = {"appName": "my_app", "appURL": "http://host/app.tar.gz", "bootstrapScript": "bin\\start.sh"}
JOB = {
    "appName": "my_app",
    "jobName": "my_job",
    "cpuCount": 0.1,
    "memoryMB": 64,
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 5,
}


def job(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({**JOB, **fields})


def test_published_app_has_the_manuals_defaults() -> None:
    assert PublishAppRequest.model_validate(APP).to_configuration() == AppConfiguration(
        app_name="my_app",
        app_url="http://host/app.tar.gz",
        bootstrap_script="bin\\start.sh",
        cpu_count=1.0,
        memory_mb=128.0,
        app_cache_enable=True,
        event_trace_sampling_count=0,
    )


def test_registered_job_has_the_manuals_defaults() -> None:
    assert job().to_configuration() == JobConfiguration(
        job_name="my_job",
        app_name="my_app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=5,
        cpu_count=0.1,
        memory_mb=64.0,
    )
    assert job().disabled is None


def test_every_field_of_a_job_arrives() -> None:
    request = job(
        jobExecutionType="DAEMON",
        cron="0 0 * * * ?",
        timeZone="Asia/Shanghai",
        shardingItemParameters="0=a,4=b",
        jobParameter="参数",
        failover=True,
        misfire=True,
        jobExecutorServiceHandlerType="PROCESS",
        jobErrorHandlerType="WEBHOOK",
        timeoutSeconds=30,
        description="what it does",
        props={"script.command.line": "./run.sh"},
        disabled=True,
    )
    assert request.disabled is True
    assert request.to_configuration() == JobConfiguration(
        job_name="my_job",
        app_name="my_app",
        job_execution_type=JobExecutionType.DAEMON,
        sharding_total_count=5,
        cpu_count=0.1,
        memory_mb=64.0,
        cron="0 0 * * * ?",
        time_zone="Asia/Shanghai",
        sharding_item_parameters="0=a,4=b",
        job_parameter="参数",
        failover=True,
        misfire=True,
        job_executor_service_handler_type=ExecutorServiceType.PROCESS,
        job_error_handler_type=ErrorHandlerType.WEBHOOK,
        timeout_seconds=30,
        description="what it does",
        props={"script.command.line": "./run.sh"},
    )


def test_update_of_an_app_changes_only_what_is_given() -> None:
    assert UpdateAppRequest.model_validate({"appName": "a", "appCacheEnable": False}).to_changes() == {
        "app_cache_enable": False
    }
    assert UpdateAppRequest.model_validate({"appName": "a"}).to_changes() == {}
    every = {**APP, "cpuCount": 2, "memoryMB": 3, "appCacheEnable": True, "eventTraceSamplingCount": 4}
    changes = UpdateAppRequest.model_validate(every).to_changes()
    assert set(changes) == set(AppConfiguration.__struct_fields__) - {"app_name"}


@pytest.mark.parametrize("value", [False, None])
def test_false_and_null_stand_for_the_default_handlers(value: object) -> None:
    configuration = job(jobExecutorServiceHandlerType=value, jobErrorHandlerType=value).to_configuration()
    assert configuration.job_executor_service_handler_type is ExecutorServiceType.CPU
    assert configuration.job_error_handler_type is ErrorHandlerType.LOG


@pytest.mark.parametrize("legacy", sorted(LEGACY_FIELDS))
@pytest.mark.parametrize("value", [None, "text", 5, [1], {"a": 1}])
def test_legacy_fields_are_ignored_whatever_they_hold(legacy: str, value: object) -> None:
    assert job(**{legacy: value}) == job()
    assert PublishAppRequest.model_validate({**APP, legacy: value}) == PublishAppRequest.model_validate(APP)


def test_null_for_an_optional_field_means_not_given() -> None:
    optional = [name for name in JobRequest.known_fields() if name not in JOB]
    assert job(**dict.fromkeys(optional)) == job()
    assert UpdateAppRequest.model_validate({"appName": "a", "appURL": None}).to_changes() == {}


def test_null_for_an_unknown_field_is_still_unknown() -> None:
    with pytest.raises(ValidationError, match="cpuCuont"):
        job(cpuCuont=None)


GOOD: list[tuple[str, object]] = [
    ("cpuCount", 1),
    ("cpuCount", 0.001),
    ("memoryMB", 1),
    ("shardingTotalCount", 1),
    ("shardingTotalCount", 10_000),
    ("timeoutSeconds", 2**31 - 1),
    ("description", "x" * 65_536),
    ("jobParameter", "\u4e2d" * 21_845),
    (
        "props",
        {"http.uri": "https://host/path", "http.method": "post", "http.read.timeout.milliseconds": "5000"},
    ),
    ("props", {"streaming.process": "true"}),
    ("props", {"script.command.line": "./run", "script.pass.context": "False"}),
    ("props", {}),
]


@pytest.mark.parametrize("field, value", GOOD)
def test_values_within_the_bounds_are_accepted(field: str, value: object) -> None:
    if field == "shardingTotalCount":
        assert job(shardingTotalCount=value).sharding_total_count == value
    assert job(**{field: value}) is not None


NOT_AMOUNTS: list[object] = ["one", "1 ", True, float("nan"), float("inf"), 0, -1, 10**30, None, [1]]
NOT_COUNTS: list[object] = ["one", "1.0", True, 1.5, 1.0, -1, 10**30, {}]
BAD: list[tuple[str, object]] = [
    *[(field, value) for field in ("cpuCount", "memoryMB") for value in NOT_AMOUNTS],
    *[(field, value) for field in ("shardingTotalCount", "timeoutSeconds") for value in NOT_COUNTS],
    ("shardingTotalCount", 0),
    ("shardingTotalCount", 10_001),
    *[(field, value) for field in ("failover", "misfire", "disabled") for value in ("True", 1, 0, "")],
    *[
        (field, value)
        for field in ("cron", "timeZone", "description", "jobParameter", "shardingItemParameters")
        for value in (5, True, ["a"], "a\0b", "\ud800")
    ],
    ("description", "x" * 65_537),
    ("jobParameter", "\u4e2d" * 21_846),
    ("shardingItemParameters", "5=outside"),
    ("jobExecutionType", "transient"),
    ("jobExecutionType", 0),
    ("jobExecutorServiceHandlerType", True),
    ("jobExecutorServiceHandlerType", "GPU"),
    ("jobErrorHandlerType", 1),
    ("props", []),
    ("props", "a=b"),
    ("props", {"a": 1}),
    ("props", {"a": None}),
    ("props", {"": "a"}),
    ("props", {"a\0": "a"}),
    ("props", {"a": "\ud800"}),
    ("props", {"x" * 1025: "a"}),
    ("props", {"a": "x" * 40_000, "b": "x" * 40_000}),
    ("props", {str(number): "" for number in range(1001)}),
    ("props", {"script.command.line": " "}),
    ("props", {"http.uri": "host/path"}),
    ("props", {"http.uri": "ftp://host/path"}),
    ("props", {"http.method": "FETCH"}),
    ("props", {"http.connect.timeout.milliseconds": "0"}),
    ("props", {"http.read.timeout.milliseconds": "3s"}),
    ("props", {"streaming.process": "yes"}),
    ("props", {"script.pass.context": "no"}),
    ("jobName", "a b"),
    ("appName", ""),
]


@pytest.mark.parametrize("field, value", BAD)
def test_bad_value_is_blamed_on_its_field_alone(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        job(**{field: value})
    assert {str(details["loc"][0]) for details in caught.value.errors()} == {field}


@pytest.mark.parametrize(
    "url",
    [
        "http://host/a",
        "https://host:8443/a.tar.gz?x=1",
        "ftp://user:password@host/a.zip",
        "file:///opt/a.sh",
        "http://[::1]:80/a",
        "HTTP://host/a",
    ],
)
def test_good_urls_are_accepted(url: str) -> None:
    assert PublishAppRequest.model_validate({**APP, "appURL": url}).app_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/a",
        "s3://bucket/a",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://host/a b",
        "http://host/a\n",
        "http://host:99999/a",
        "http://[::1/a",
        "file:a",
        "file:",
        "http://host/" + "a" * 2048,
        "\thttp://host/a",
    ],
)
def test_bad_urls_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        PublishAppRequest.model_validate({**APP, "appURL": url})


def test_password_is_never_shown_in_an_error() -> None:
    with pytest.raises(ValidationError) as caught:
        LoginRequest.model_validate({"username": "root", "password": ["hunter2"]})
    assert "hunter2" not in str(caught.value)

"""What callers are told about invalid fields."""

from typing import Any

import pytest

from elasticjob_cloud.api.requests.models import JobRequest, LoginRequest
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError

JOB = {
    "appName": "my_app",
    "jobName": "my_job",
    "cpuCount": 0.1,
    "memoryMB": 64,
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 5,
}


def refusal(payload: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        check_fields(JobRequest, payload)
    for error in caught.value.errors:
        assert f"{error.field}: {error.message}" in str(caught.value)
    return {error.field: error.message for error in caught.value.errors}


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("shardingTotalCount", "5.0", "must be an integer, not the string '5.0'."),
        ("shardingTotalCount", True, "must be an integer, not true."),
        ("shardingTotalCount", 2.5, "must be an integer, not the number 2.5."),
        ("shardingTotalCount", 0, "must be at least 1, it is 0."),
        ("shardingTotalCount", 10_001, "must be at most 10,000."),
        ("cpuCount", "0,1", "must be a number, not the string '0,1'."),
        ("cpuCount", 0, "must be at least 0.001, it is 0."),
        ("memoryMB", float("nan"), "must be a finite number."),
        ("memoryMB", [], "must be a number, not an array."),
        ("failover", "yes", "must be true or false, not the string 'yes'."),
        ("cron", 5, "must be a string, not the number 5."),
        ("jobParameter", {}, "must be a string, not an object."),
        ("jobExecutionType", "CRON", "must be TRANSIENT or DAEMON, not the string 'CRON'."),
        ("jobExecutionType", None, "is required."),
        ("description", "\ud800", "must not have half of a surrogate pair."),
        ("props", {"a": 1}, "the value of 'a' must be a string; put it in quotation marks."),
        ("cpuCuont", 1, "is not a known field; did you mean 'cpuCount'?"),
        ("CRON", "", "is not a known field; did you mean 'cron'?"),
    ],
)
def test_message_says_what_to_write_instead(field: str, value: object, message: str) -> None:
    assert refusal({**JOB, field: value}) == {field: message}


def test_unknown_field_that_is_like_none_is_told_what_there_is() -> None:
    assert refusal({**JOB, "zzz": 1})["zzz"].startswith("is not a known field; there are: appName, jobName,")


def test_all_invalid_fields_are_told_at_once() -> None:
    assert refusal({"appName": 5, "cpuCount": "x", "foo": 1, "jobName": "a"}).keys() == {
        "appName",
        "cpuCount",
        "foo",
        "jobExecutionType",
        "shardingTotalCount",
        "memoryMB",
    }


def test_findings_of_others_come_beside_those_of_the_model() -> None:
    found = [FieldError("cron", "never fires."), FieldError("memoryMB", "is odd.")]
    with pytest.raises(InvalidRequestError) as caught:
        check_fields(JobRequest, {**JOB, "memoryMB": "x"}, lambda _: found)
    assert [error.field for error in caught.value.errors] == ["memoryMB", "cron"]
    with pytest.raises(InvalidRequestError, match="never fires"):
        check_fields(JobRequest, JOB, lambda _: found[:1])


def test_junk_is_neither_repeated_nor_searched_at_length() -> None:
    many = {f"field{number}": 1 for number in range(50_000)}
    with pytest.raises(InvalidRequestError, match="50,000 fields") as caught:
        check_fields(JobRequest, many)
    assert caught.value.errors == ()
    messages = refusal({**JOB, "jobExecutionType": "x" * 1_000_000, "y" * 1_000_000: 1})
    assert all(len(field) + len(message) < 1_000 for field, message in messages.items())


def test_password_is_not_repeated() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_fields(LoginRequest, {"username": "root", "password": 123456})
    assert caught.value.errors[0].field == "password"
    assert "123456" not in str(caught.value)

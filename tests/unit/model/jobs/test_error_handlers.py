"""Which error handlers are refused as a job is set up, since they could never send a message."""

from typing import Any

import pytest

from elasticjob_cloud.model.jobs.error_handlers import REQUIRED_PROPS, error_handler_errors
from elasticjob_cloud.model.jobs.job import (
    SCRIPT_COMMAND_LINE,
    ErrorHandlerType,
    JobConfiguration,
    JobExecutionType,
)


def _job(handler: ErrorHandlerType, props: dict[str, str], **changes: Any) -> JobConfiguration:
    return JobConfiguration(
        job_name="job",
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=1,
        memory_mb=1,
        job_error_handler_type=handler,
        props=props,
        **changes,
    )


@pytest.mark.parametrize("handler", sorted(set(ErrorHandlerType) - REQUIRED_PROPS.keys()))
@pytest.mark.parametrize("props", [{}, {SCRIPT_COMMAND_LINE: "run"}])
def test_what_sends_nothing_needs_nothing(handler: ErrorHandlerType, props: dict[str, str]) -> None:
    assert error_handler_errors(_job(handler, props)) == []


@pytest.mark.parametrize("handler", sorted(REQUIRED_PROPS))
def test_each_of_the_props_that_it_needs_is_asked_for(handler: ErrorHandlerType) -> None:
    complete = dict.fromkeys(REQUIRED_PROPS[handler], "set")
    assert error_handler_errors(_job(handler, complete)) == []

    for name in complete:
        for props in ({**complete, name: " "}, {key: "set" for key in complete if key != name}):
            (error,) = error_handler_errors(_job(handler, props))
            assert error.field == "jobErrorHandlerType"
            assert error.message == f"{handler} sends nothing without the props {name}."


def test_all_that_is_missing_is_told_at_once() -> None:
    (error,) = error_handler_errors(_job(ErrorHandlerType.EMAIL, {"email.host": "mail", "email.to": "a@b"}))
    assert error.message == "EMAIL sends nothing without the props email.port, email.from."


def test_a_script_cannot_have_a_handler_of_the_sdk_whatever_its_props() -> None:
    props = {SCRIPT_COMMAND_LINE: "run", "webhook.url": "http://host/hook"}
    (error,) = error_handler_errors(_job(ErrorHandlerType.WEBHOOK, props))
    assert "a script runs without it" in error.message

"""What the demo tells people to type next works where they are: other ports, names and paths included."""

import io
import shlex
import sys
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from elasticjob_cloud.demo import Demo
from elasticjob_cloud.model.records import AttemptEnd, Changes, StatusTrace
from elasticjob_cloud.settings.scheduler import SchedulerSettings

URL = "http://127.0.0.1:1234"


def suggestions(settings: SchedulerSettings) -> str:
    stream = io.StringIO()
    demo = Demo(settings, stream)
    demo.greet(URL)
    demo.show_changes(Changes(status_traces=[ended(item) for item in range(3)]))
    return stream.getvalue()


def ended(item: int) -> StatusTrace:
    return StatusTrace(
        job_name="demo-script",
        original_task_id="",
        task_id=f"demo-script@-@{item}@-@READY@-@agent@-@uuid",
        slave_id="agent",
        source="CLOUD_EXECUTOR",
        execution_type="READY",
        sharding_item=item,
        state="TASK_FINISHED",
        message="",
        creation_ms=0,
    )


@pytest.fixture(autouse=True)
def bare_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [".venv/bin/elasticjob-cloud", "demo"])


def test_the_command_is_named_by_the_path_that_it_was_called_by_and_told_where_to_log_in() -> None:
    expected = f".venv/bin/elasticjob-cloud login --url {URL} --username ann, then: .venv/bin/elasticjob-cloud job list"
    assert expected in suggestions(SchedulerSettings(admin_username="ann"))


def test_the_call_for_a_token_has_the_default_user_as_the_manual_writes_it() -> None:
    settings = SchedulerSettings(admin_username="root", admin_password=SecretStr("pwd"))
    assert """-d '{"username":"root","password":"pwd"}' | cut""" in suggestions(settings)


def test_the_call_for_a_token_has_the_own_name_and_never_the_own_password() -> None:
    text = suggestions(SchedulerSettings(admin_username="o'ann", admin_password=SecretStr("s3cret")))
    login = text.partition(" -d ")[2].partition(" | cut")[0]
    assert shlex.split(login) == ['{"username":"o\'ann","password":"YOUR-PASSWORD"}']
    assert "s3cret" not in text


def test_without_a_log_in_the_command_is_told_whom_to_ask() -> None:
    text = suggestions(SchedulerSettings(no_auth=True))
    assert f".venv/bin/elasticjob-cloud job list --url {URL}" in text
    assert "login" not in text


def test_another_program_that_shows_the_jobs_names_the_command_line_and_the_machines() -> None:
    stream = io.StringIO()
    demo = Demo(SchedulerSettings(no_auth=True), stream, {"agent": "node 2"}.__getitem__)
    demo.use(URL, "venv/bin/elasticjob-cloud")

    for item in range(3):
        demo.show_trace(ended(item))

    assert f"venv/bin/elasticjob-cloud job list --url {URL}" in stream.getvalue()
    assert stream.getvalue().count(" node 2  finished") == 3


def test_a_task_whose_job_code_raised_is_shown_as_failed_with_its_reason() -> None:
    stream = io.StringIO()
    end = AttemptEnd(1, 1, 0, 0, success=False, summary="ValueError: no data")
    Demo(SchedulerSettings(), stream).show_trace(msgspec.structs.replace(ended(0), attempt_end=end))

    assert stream.getvalue().rstrip().endswith("failed  ValueError: no data")


def test_a_failure_is_shown_with_its_summary_as_it_is_and_not_all_that_was_printed() -> None:
    stream = io.StringIO()
    end = AttemptEnd(1, 1, 0, 0, success=False, summary="exit code 3: [/oops] quota exceeded")
    message = end.summary + "\nIts last output:\nline"
    failed = msgspec.structs.replace(ended(0), state="TASK_FAILED", message=message, attempt_end=end)
    Demo(SchedulerSettings(), stream).show_trace(failed)

    assert stream.getvalue().rstrip().endswith("failed  exit code 3: [/oops] quota exceeded")

import sys
import types
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
import typer

import elasticjob_cloud.cli.commands
from elasticjob_cloud.cli.fields import (
    APP_FIELDS,
    JOB_DEFAULTS,
    JOB_FIELDS,
    Field,
    merge_props,
    named,
    option_name,
    read_document,
)
from elasticjob_cloud.cli.main import SERVER_COMMANDS, build_app, main
from elasticjob_cloud.model.errors import InvalidRequestError, StartError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration


def names(fields: Iterable[Field]) -> set[str]:
    return {field.api_name for field in fields}


def test_every_field_of_an_app_has_an_option() -> None:
    model = {field.encode_name for field in msgspec.structs.fields(AppConfiguration)}
    assert names(APP_FIELDS) | {"appName"} == model


def test_every_field_of_a_job_has_an_option() -> None:
    model = {field.encode_name for field in msgspec.structs.fields(JobConfiguration)}
    assert names(JOB_FIELDS) | {"jobName", "props"} == model


def test_every_field_that_the_api_requires_of_a_job_has_a_default_or_is_a_name() -> None:
    required = {field.encode_name for field in msgspec.structs.fields(JobConfiguration) if field.required}
    assert required == set(JOB_DEFAULTS) | {"jobName", "appName"}


@pytest.mark.parametrize(
    "field, option",
    [
        ("appURL", "--app-url"),
        ("memoryMB", "--memory-mb"),
        ("cron", "--cron"),
        ("shardingItemParameters", "--sharding-item-parameters"),
        ("jobExecutorServiceHandlerType", "--job-executor-service-handler-type"),
    ],
)
def test_option_is_the_field_in_kebab_case(field: str, option: str) -> None:
    assert option_name(field) == option


def test_no_two_fields_share_a_short_option() -> None:
    for fields in (APP_FIELDS, JOB_FIELDS):
        short = [field.short for field in fields if field.short]
        assert len(short) == len(set(short))
        assert not {"-f", "-s", "-h", "-y"} & set(short)


def test_name_may_stand_in_the_command_or_the_file_or_both() -> None:
    assert named({}, "jobName", "a") == {"jobName": "a"}
    assert named({"jobName": "a", "cron": "c"}, "jobName", None) == {"jobName": "a", "cron": "c"}
    assert named({"jobName": "a"}, "jobName", "a") == {"jobName": "a"}


@pytest.mark.parametrize("document, name", [({}, None), ({"jobName": ""}, None), ({"jobName": "b"}, "a")])
def test_missing_or_contradicting_name_is_refused(document: dict[str, str], name: str | None) -> None:
    with pytest.raises(InvalidRequestError):
        named(document, "jobName", name)


def test_only_named_properties_change() -> None:
    props = merge_props({"a": "1", "b": "2", "c": "3"}, ["b=x=y", "d="], ["c"], "run me")
    assert props == {"a": "1", "b": "x=y", "d": "", "script.command.line": "run me"}


@pytest.mark.parametrize("prop, remove", [(["novalue"], None), (["=x"], None), (None, ["unknown"])])
def test_bad_property_is_refused(prop: list[str] | None, remove: list[str] | None) -> None:
    with pytest.raises(InvalidRequestError):
        merge_props({}, prop, remove, None)


def test_no_file_has_no_fields() -> None:
    assert read_document(None) == {}


def test_commands_of_the_server_are_listed_without_importing_it() -> None:
    listed = {command.name for command in build_app(with_server=False).registered_commands}
    assert set(SERVER_COMMANDS) <= listed


def test_commands_of_the_server_come_from_its_own_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[int] = []
    serve = types.ModuleType("elasticjob_cloud.cli.commands.serve")
    app = typer.Typer()
    serve.__dict__["app"] = app

    @app.command()
    def standalone(port: int = 1) -> None:
        called.append(port)
        if port == 2:
            raise StartError("Port 2 is taken.")

    @app.command()
    def scheduler() -> None:
        called.append(0)

    monkeypatch.setitem(sys.modules, "elasticjob_cloud.cli.commands.serve", serve)
    # Once the real one was imported, by whichever test, `from elasticjob_cloud.cli.commands import serve` finds it here.
    monkeypatch.setattr(elasticjob_cloud.cli.commands, "serve", serve, raising=False)
    codes = []
    for port in ("1", "2"):
        with pytest.raises(SystemExit) as end:
            main(["standalone", "--port", port])
        codes.append(end.value.code)
    assert called == [1, 2]
    assert codes == [0, StartError.exit_code]
    assert capsys.readouterr().err == "Error: Port 2 is taken.\n"


def test_missing_file_is_told() -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_document(Path("/nonexistent/job.json"))

"""What goes wrong: how it is told, with which exit code. And what needs no scheduler at all."""

import json
import os
from collections.abc import Iterator

import pytest

from tests.acceptance.api_scheduler import TASK_ID, running_task
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import Answer, RecordedApi


@pytest.mark.parametrize(
    "answer, code, shown",
    [
        ((404, {"message": "There is no app gone."}), 2, "There is no app gone."),
        ((409, {"message": "It exists."}), 2, "It exists."),
        ((403, {"message": "guest may only look."}), 2, "guest may only look."),
        ((503, {"message": "No leader right now."}), 3, "No leader right now."),
        ((429, {"message": "Too many failed logins; try again in 9 s."}), 3, "try again in 9 s."),
        ((429, b"<html>"), 3, "Try again later."),
        ((500, {"message": "Oops."}), 1, "HTTP 500"),
        ((200, b"<html>"), 3, "no ElasticJob-Cloud scheduler"),
        ((404, b"<html>"), 3, "no ElasticJob-Cloud scheduler"),
        ((400, {"detail": "x"}), 2, "HTTP 400"),
        ((400, []), 2, "HTTP 400"),
    ],
)
def test_error_of_the_scheduler_is_told_with_its_exit_code(
    run: Run, scheduler: RecordedApi, answer: Answer, code: int, shown: str
) -> None:
    scheduler.fixed["app/x/enable"] = [answer]
    outcome = run("app", "enable", "x")
    assert (outcome.code, outcome.out) == (code, "")
    assert shown in outcome.err


def test_errors_of_a_command_with_json_are_json(run: Run, scheduler: RecordedApi) -> None:
    errors = [{"field": "endTime", "message": "must not be before startTime."}]
    queries = ("--start-time", "2026-11-23", "--end-time", "2026-11-22")
    outcome = run("events", "executions", *queries, "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert json.loads(outcome.err)["errors"] == errors
    outcome = run("app", "show", "gone", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert json.loads(outcome.err) == {"message": "There is no app 'gone'."}
    scheduler.fixed["job/jobs"] = [(503, {"message": "No leader."})]
    outcome = run("job", "list", "--json")
    assert (outcome.code, json.loads(outcome.err)) == (3, {"message": "No leader."})


def test_errors_of_a_wrong_use_with_json_are_json(cli: Run) -> None:
    for arguments in (("app", "list", "--nonsense"), ("job", "show"), ("events", "traces", "--page", "x")):
        outcome = cli(*arguments, "--json")
        assert (outcome.code, outcome.out) == (2, "")
        assert list(json.loads(outcome.err)) == ["message"]
    outcome = cli("job", "list", "--url", "http://127.0.0.1:1", "--json")
    assert (outcome.code, outcome.out) == (3, "")
    assert "elasticjob-cloud standalone" in json.loads(outcome.err)["message"]
    outcome = cli("cron", "nonsense", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert json.loads(outcome.err)["message"]
    assert cli("app", "list", "--json", "--help").code == 0


def test_invalid_fields_are_told_with_their_options(run: Run, scheduler: RecordedApi) -> None:
    errors = [
        {"field": "cpuCount", "message": "must be at least 0.001."},
        {"field": "props.x", "message": "is bad."},
    ]
    scheduler.fixed["job/register"] = [(400, {"message": "all in one", "errors": errors})]
    outcome = run("job", "register", "my_job")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "Error: cpuCount (--cpu-count): must be at least 0.001.",
        "Error: props.x: is bad.",
    ]


def test_absent_scheduler_is_told_with_how_to_start_one(cli: Run) -> None:
    outcome = cli("job", "list", "--url", "http://127.0.0.1:1")
    assert outcome.code == 3
    assert "elasticjob-cloud standalone" in outcome.err


@pytest.mark.parametrize("url", ["ftp://h", "http://h:99999999", "http://[::1"])
def test_bad_url_is_told(cli: Run, url: str) -> None:
    outcome = cli("job", "list", "--url", url)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: ")


def test_proxy_of_the_environment_is_not_asked_for_loopback(
    run: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert run("job", "list", "--json").json == []


def test_nothing_but_queries_prints_to_stdout(run: Run, scheduler: RecordedApi) -> None:
    scheduler.memory.task_records[TASK_ID] = running_task(TASK_ID)
    assert run("app", "publish", "a", "-u", "http://h/x", "-b", "x").out == ""
    assert run("job", "register", "j", "-a", "a").out == ""
    assert run("job", "update", "j", "-n", "2").out == ""
    killed = run("task", "kill", TASK_ID)
    assert (killed.code, killed.out) == (0, "")


def test_next_fires_need_no_scheduler(cli: Run) -> None:
    outcome = cli("cron", "0 30 9 1 1 ? 2090", "--time-zone", "Asia/Shanghai", "--json")
    assert outcome.json == {"fires": ["2090-01-01T09:30:00+08:00"]}
    assert len(cli("cron", "* * * * * ?", "-n", "3").out.splitlines()) == 3
    never = cli("cron", "0 0 0 1 1 ? 1999")
    assert (never.code, never.out) == (0, "")
    assert "never" in never.err


def test_numbers_of_weekdays_are_shown_as_names(cli: Run, run: Run, scheduler: RecordedApi) -> None:
    scheduler.publish("a")
    cron = "0 0 9 ? * 1-5"
    assert "1-5 is SUN-THU" in cli("cron", cron).err
    assert cli("cron", cron, "-n", "1", "--json").json["weekdays"] == "SUN-THU"
    assert "Note" not in cli("cron", "0 0 9 ? * MON-FRI").err
    assert "1-5 is SUN-THU" in run("job", "register", "j", "-a", "a", "-c", cron).err
    assert "1-5 is SUN-THU" in run("job", "show", "j").err
    assert "Note" not in run("job", "show", "j", "--json").err
    assert "Note" not in run("job", "update", "j", "-n", "2").err
    assert "2L is MONL" in run("job", "update", "j", "-c", "0 0 9 ? * 2L").err


def test_line_of_a_crontab_gets_its_quartz_line(cli: Run) -> None:
    assert "here: '0 */5 * * * ?'" in cli("cron", "*/5 * * * *").err
    assert "here: '0 0 0 * * ?'" in cli("cron", "@daily").err


@pytest.mark.parametrize("arguments", [("nonsense",), ("0 0 0 ? * ?", "--time-zone", "Mars/Base")])
def test_bad_cron_or_zone_is_refused(cli: Run, arguments: tuple[str, ...]) -> None:
    outcome = cli("cron", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: ")


def all_commands() -> Iterator[tuple[str, ...]]:
    groups = {
        "app": ("publish", "update", "list", "show", "disable", "enable", "delete"),
        "job": ("register", "update", "list", "show", "trigger", "disable", "enable", "deregister"),
        "task": ("list", "log", "kill"),
        "events": ("executions", "traces"),
    }
    for group, names in groups.items():
        yield from ((group, name) for name in names)
    yield from (("login",), ("logout",), ("cron",), ("agents",), ("schedulers",))


@pytest.mark.parametrize("command", list(all_commands()), ids=" ".join)
def test_help_of_every_command_has_an_example(cli: Run, command: tuple[str, ...]) -> None:
    outcome = cli(*command, "--help")
    assert outcome.code == 0
    assert f"Example: elasticjob-cloud {' '.join(command)}" in outcome.out


def test_wrong_use_is_exit_code_two(cli: Run) -> None:
    assert cli("nonsense").code == 2
    assert cli("job", "register", "x", "--cpu-count", "many").code == 2
    assert cli("job", "show").code == 2
    assert cli("standalone", "--port", "abc").code == 2


def test_misspelt_variable_is_warned_about(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_PORRT", "1")
    # A setting that is refused: nothing is to be served here.
    outcome = cli("standalone", "--cpus", "-1")
    assert outcome.code == 4
    assert "warning: ELASTICJOB_PORRT is no setting; did you mean ELASTICJOB_PORT?" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("standalone", "--port", "99999"),
        ("standalone", "--cpus", "-1"),
        ("standalone", "--log-level", "foo"),
        ("scheduler", "--engine", "foo"),
    ],
    ids=" ".join,
)
def test_setting_that_is_not_allowed_is_the_exit_code_that_help_says(
    cli: Run, arguments: tuple[str, ...]
) -> None:
    assert cli(*arguments).code == 4
    assert "4 the scheduler cannot start: a setting or its surroundings are wrong" in cli("--help").out


def test_version_is_shown(cli: Run) -> None:
    from elasticjob_cloud import __version__

    assert cli("--version").out == f"elasticjob-cloud {__version__}{os.linesep}"

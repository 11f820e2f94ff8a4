"""What changes apps and jobs, and shows them."""

from pathlib import Path

import pytest

from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import TASK_ID, RecordedApi


def test_app_is_published_listed_shown_changed_and_deleted(run: Run) -> None:
    published = run(
        "app", "publish", "my_app", "-u", "http://h/a.tar.gz", "-b", "bin/start.sh", "--memory-mb", "64"
    )
    assert (published.code, published.out) == (0, "")
    assert "job register" in published.err
    assert run("app", "update", "my_app", "--no-app-cache-enable").code == 0
    expected = {
        "appName": "my_app",
        "appURL": "http://h/a.tar.gz",
        "bootstrapScript": "bin/start.sh",
        "cpuCount": 1.0,
        "memoryMB": 64.0,
        "appCacheEnable": False,
        "eventTraceSamplingCount": 0,
        "disabled": False,
    }
    assert run("app", "list", "--json").json == [expected]
    assert run("app", "show", "my_app", "--json").json == expected
    assert run("app", "disable", "my_app").code == 0
    assert "disabled" in run("app", "list").out
    assert run("app", "enable", "my_app").code == 0
    assert run("app", "delete", "my_app", "--yes").code == 0
    assert run("app", "list", "--json").json == []


def test_update_of_an_app_sends_only_what_is_named(run: Run, scheduler: RecordedApi) -> None:
    scheduler.publish("my_app")
    run("app", "update", "my_app", "--event-trace-sampling-count", "5")
    assert scheduler.calls[-1].body == {"appName": "my_app", "eventTraceSamplingCount": 5}


def test_job_is_registered_with_the_documented_defaults(run: Run, scheduler: RecordedApi) -> None:
    scheduler.publish("my_app")
    assert run("job", "register", "my_job", "--app-name", "my_app").code == 0
    assert scheduler.calls[-1].body == {
        "jobName": "my_job",
        "appName": "my_app",
        "cpuCount": 0.1,
        "memoryMB": 64,
        "shardingTotalCount": 1,
        "jobExecutionType": "TRANSIENT",
    }
    shown = run("job", "register", "--help").out
    for default in ("TRANSIENT", "--sharding-total-count 1", "--cpu-count 0.1", "--memory-mb 64"):
        assert default in " ".join(shown.split())


def test_every_field_of_a_job_reaches_the_scheduler(run: Run, scheduler: RecordedApi) -> None:
    scheduler.publish("my_app")
    outcome = run(
        *("job", "register", "my_job", "-a", "my_app", "-c", "0/5 * * * * ?", "-t", "daemon", "-n", "2"),
        *("--time-zone", "Asia/Shanghai", "--sharding-item-parameters", "0=Beijing,1=Shanghai", "-p", "x"),
        *(
            "--cpu-count",
            "0.5",
            "--memory-mb",
            "128",
            "--failover",
            "--no-misfire",
            "--timeout-seconds",
            "60",
        ),
        *("--job-executor-service-handler-type", "PROCESS", "--job-error-handler-type", "throw"),
        *("--description", "作业", "--prop", "a=b=c", "--prop", "d=", "--script", "echo hello", "--disabled"),
    )
    assert outcome.code == 0
    assert scheduler.calls[-1].body == {
        "jobName": "my_job",
        "appName": "my_app",
        "cron": "0/5 * * * * ?",
        "jobExecutionType": "DAEMON",
        "shardingTotalCount": 2,
        "timeZone": "Asia/Shanghai",
        "shardingItemParameters": "0=Beijing,1=Shanghai",
        "jobParameter": "x",
        "cpuCount": 0.5,
        "memoryMB": 128.0,
        "failover": True,
        "misfire": False,
        "timeoutSeconds": 60,
        "jobExecutorServiceHandlerType": "PROCESS",
        "jobErrorHandlerType": "THROW",
        "description": "作业",
        "props": {"a": "b=c", "d": "", "script.command.line": "echo hello"},
        "disabled": True,
    }


def test_update_of_a_job_changes_only_what_is_named(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job", cron="0 0 * * * ?", failover=True, props={"a": "1", "b": "2"})
    before = run("job", "show", "my_job", "--json").json
    assert run("job", "update", "my_job", "--cpu-count", "2", "--prop", "b=3", "--remove-prop", "a").code == 0
    # No `disabled`: the update leaves it as it is. Nothing that is empty: it means none.
    expected = {**before, "cpuCount": 2.0, "props": {"b": "3"}}
    sent = {name: value for name, value in expected.items() if name != "disabled" and value != ""}
    assert scheduler.calls[-1].body == sent
    assert run("job", "show", "my_job", "--json").json == expected
    assert run("job", "update", "my_job", "--cron", "").code == 0
    assert run("job", "show", "my_job", "--json").json == {**expected, "cron": ""}


@pytest.mark.parametrize("kind", ["app", "job"])
def test_update_without_a_change_is_refused_before_anything_is_sent(
    run: Run, scheduler: RecordedApi, kind: str
) -> None:
    outcome = run(kind, "update", "name")
    assert outcome.code == 2
    assert "nothing to change" in outcome.err
    assert not [call for call in scheduler.calls if call.method == "PUT"]


@pytest.mark.parametrize(
    "name, text",
    [
        ("job.json", '{"jobName": "my_job", "appName": "from_file", "cpuCount": 1}'),
        ("job.toml", 'jobName = "my_job"\nappName = "from_file"\ncpuCount = 1\n'),
        ("job", '\ufeff{"jobName": "my_job", "appName": "from_file", "cpuCount": 1}'),
    ],
)
def test_job_comes_from_a_file_and_options_go_before_it(
    run: Run, scheduler: RecordedApi, home: Path, name: str, text: str
) -> None:
    scheduler.publish("from_file")
    file = home / name
    file.write_text(text, encoding="utf-8")
    assert run("job", "register", "--file", str(file), "--cpu-count", "2").code == 0
    job = scheduler.memory.job_records["my_job"].configuration
    assert (job.app_name, job.cpu_count, job.memory_mb) == ("from_file", 2.0, 64)


def test_shown_job_can_be_registered_again_from_stdin(run: Run, scheduler: RecordedApi) -> None:
    scheduler.publish("my_app")
    run("job", "register", "my_job", "-a", "my_app", "-s", "echo")
    shown = run("job", "show", "my_job", "--json").out
    before = scheduler.memory.job_records.pop("my_job")
    assert run("job", "register", "-f", "-", stdin=shown).code == 0
    assert scheduler.memory.job_records["my_job"] == before


@pytest.mark.parametrize("text", ["[1]", "{", "= x", "\x00", '{"jobName": "other"}', "cpuCount = nan"])
def test_bad_file_is_refused_with_a_message(run: Run, scheduler: RecordedApi, text: str) -> None:
    outcome = run("job", "register", "my_job", "--file", "-", stdin=text)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: ")
    assert not scheduler.calls


def test_job_is_triggered_disabled_enabled_and_deregistered(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    assert run("job", "trigger", "my_job").code == 0
    assert (scheduler.calls[-1].target, scheduler.calls[-1].body) == ("/api/job/trigger", "my_job")
    assert run("job", "disable", "my_job").code == 0
    assert "disabled" in run("job", "list").out
    assert run("job", "enable", "my_job").code == 0
    assert "enabled" in run("job", "list").out
    assert run("job", "deregister", "my_job", "--yes").code == 0
    assert scheduler.memory.job_records == {}


def test_jobs_of_one_app_can_be_listed(run: Run, scheduler: RecordedApi) -> None:
    for name in ("a", "b"):
        scheduler.register(name, app_name=f"app_{name}")
    assert [job["jobName"] for job in run("job", "list", "-a", "app_b", "--json").json] == ["b"]


def test_names_are_percent_encoded(run: Run, scheduler: RecordedApi) -> None:
    run("app", "show", "作业")
    assert scheduler.calls[-1].target == "/api/app/%E4%BD%9C%E4%B8%9A"
    run("task", "kill", TASK_ID)
    assert (
        scheduler.calls[-1].target
        == "/api/job/tasks/my_job%40-%400%40-%40READY%40-%40agent%2F1%40-%40uuid/kill"
    )
    run("app", "delete", "a?b#c", "--yes")
    assert scheduler.calls[-1].target == "/api/app/a%3Fb%23c"


def test_name_that_would_climb_up_the_url_is_refused(run: Run, scheduler: RecordedApi) -> None:
    for name in ("..", ".", ""):
        assert run("app", "delete", name, "--yes").code == 2
    assert scheduler.calls == []


def test_app_that_is_called_list_is_shown_alone(run: Run, scheduler: RecordedApi) -> None:
    missing = run("app", "show", "list")
    assert (missing.code, missing.err) == (2, "Error: There is no app 'list'.\n")
    scheduler.publish("list", "other")
    assert run("app", "show", "list", "--json").json["appName"] == "list"
    assert "other" not in run("app", "show", "list").out


@pytest.mark.parametrize("command", [("app", "delete"), ("job", "deregister")], ids=" ".join)
def test_nothing_is_removed_unasked(run: Run, scheduler: RecordedApi, command: tuple[str, str]) -> None:
    scheduler.register("my_app", app_name="my_app")
    outcome = run(*command, "my_app")
    assert (outcome.code, outcome.out) == (2, "")
    assert "add --yes" in outcome.err
    assert scheduler.calls == []
    assert run(*command, "my_app", "--yes").code == 0

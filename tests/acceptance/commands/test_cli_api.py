"""The command line against the REST API itself: only the fixture `server` says which scheduler stands behind it."""

import pytest

from tests.acceptance.commands.conftest import Run


@pytest.fixture
def run(cli: Run, server: str) -> Run:
    """The command line of somebody who is logged in as root."""
    assert cli("login", "--url", server, "--password-stdin", stdin="pwd\n").code == 0
    return cli


@pytest.fixture
def published(run: Run) -> str:
    assert (
        run("app", "publish", "my_app", "-u", "http://127.0.0.1:9/a.tar.gz", "-b", "bin/start.sh").code == 0
    )
    return "my_app"


def test_life_of_an_app(run: Run, published: str) -> None:
    assert run("app", "update", published, "--no-app-cache-enable", "--memory-mb", "256").code == 0
    shown = run("app", "show", published, "--json").json
    assert (shown["appCacheEnable"], shown["memoryMB"], shown["cpuCount"]) == (False, 256, 1)
    assert published in run("app", "list").out
    assert run("app", "disable", published).code == 0
    assert run("app", "show", published, "--json").json["disabled"] is True
    assert run("app", "enable", published).code == 0
    assert run("app", "show", published, "--json").json["disabled"] is False
    assert run("app", "delete", published, "--yes").code == 0


def test_life_of_a_job(run: Run, published: str) -> None:
    # Its cron is far away: nothing but the trigger runs it.
    assert run("job", "register", "my_job", "-a", published, "-c", "0 0 0 1 1 ? 2090", "--failover").code == 0
    before = run("job", "show", "my_job", "--json").json
    assert (before["cpuCount"], before["shardingTotalCount"], before["failover"]) == (0.1, 1, True)
    assert run("job", "update", "my_job", "-n", "2", "--prop", "a=1").code == 0
    after = run("job", "show", "my_job", "--json").json
    assert after == {**before, "shardingTotalCount": 2, "props": {"a": "1"}}
    assert run("job", "update", "my_job", "--cron", "", "--remove-prop", "a").code == 0
    last = run("job", "show", "my_job", "--json").json
    assert last == {**before, "shardingTotalCount": 2, "cron": ""}
    assert "my_job" in run("job", "list", "-a", published).out
    assert run("job", "trigger", "my_job").code == 0
    assert run("job", "disable", "my_job").code == 0
    assert run("job", "show", "my_job", "--json").json["disabled"] is True
    assert run("job", "enable", "my_job").code == 0
    assert run("job", "deregister", "my_job", "--yes").code == 0
    assert run("job", "show", "my_job").code == 2


def test_every_option_of_a_job_is_accepted_and_shown_again(run: Run, published: str) -> None:
    outcome = run(
        *("job", "register", "every", "-a", published, "-c", "0 0 0 1 1 ? 2090", "-t", "DAEMON", "-n", "2"),
        *("--time-zone", "Asia/Shanghai", "--sharding-item-parameters", "0=Beijing,1=Shanghai", "-p", "x"),
        *(
            "--cpu-count",
            "0.5",
            "--memory-mb",
            "128",
            "--no-failover",
            "--misfire",
            "--timeout-seconds",
            "60",
        ),
        *("--job-executor-service-handler-type", "process", "--job-error-handler-type", "throw"),
        *("--description", "作业", "--prop", "webhook=http://127.0.0.1:9/", "--script", "echo", "--disabled"),
    )
    assert outcome.code == 0, outcome.err
    shown = run("job", "show", "every", "--json")
    assert shown.json["props"] == {"webhook": "http://127.0.0.1:9/", "script.command.line": "echo"}
    assert (shown.json["timeZone"], shown.json["timeoutSeconds"], shown.json["disabled"]) == (
        "Asia/Shanghai",
        60,
        True,
    )
    assert run("job", "deregister", "every", "--yes").code == 0
    assert run("job", "register", "--file", "-", stdin=shown.out).code == 0
    assert run("job", "show", "every", "--json").json == shown.json


def test_refusals_name_the_options_to_change(run: Run, published: str) -> None:
    outcome = run(
        "job", "register", "bad", "-a", published, "-n", "0", "--cron", "nonsense", "--cpu-count", "0"
    )
    assert outcome.code == 2
    for option in ("--sharding-total-count", "--cron", "--cpu-count"):
        assert option in outcome.err
    assert "--app-url" in run("app", "publish", "bad", "-u", "gopher://h/x", "-b", "x").err
    assert run("job", "register", "orphan", "-a", "no_such_app").code == 2
    assert run("app", "publish", published, "-u", "http://127.0.0.1:9/b", "-b", "x").code == 2
    assert run("task", "log", "no_such@-@0@-@READY@-@agent@-@uuid").code == 2


def test_guest_may_look_and_not_touch(cli: Run, server: str) -> None:
    assert cli("login", "--url", server, "-u", "guest", "--password-stdin", stdin="guest").code == 0
    assert cli("app", "list", "--json").code == 0
    assert cli("app", "delete", "x", "--yes").code == 2


def test_without_a_login_the_way_to_one_is_shown(cli: Run, server: str) -> None:
    outcome = cli("app", "list", "--url", server)
    assert (outcome.code, outcome.out) == (2, "")
    assert "elasticjob-cloud login" in outcome.err


@pytest.mark.parametrize(
    "command",
    ["app list", "job list", "task list", "agents", "schedulers", "events executions", "events traces"],
)
def test_every_query_answers_for_people_and_machines(run: Run, command: str) -> None:
    assert run(*command.split()).code == 0
    assert run(*command.split(), "--json").json is not None

"""The client commands, in this process, against a real HTTP server on loopback.

`SmallScheduler` stands for the scheduler: it keeps apps and jobs, and every call that it got. What the tests ask of it
is what `spec/api.md` promises, so that a real scheduler can take its place in the fixture `scheduler`.
"""

import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from elasticjob_cloud.cli.main import main

TASK_ID = "my job@-@0@-@READY@-@agent/1@-@uuid"
Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """A request as it came over the wire."""

    method: str
    target: str
    token: str | None
    body: Any

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass
class SmallScheduler:
    """As much of the REST API as the commands call."""

    url: str = ""
    token: str = ""
    calls: list[Call] = field(default_factory=list)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    fixed: dict[str, list[Answer]] = field(default_factory=dict)

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        raw = urlsplit(call.target).path.removeprefix("/api/")
        parts = [unquote(part) for part in raw.split("/")]
        if parts == ["login"]:
            right = call.body == {"username": "root", "password": "pwd"}
            return (200, {"accessToken": "the-token"}) if right else (401, {"message": "Unauthorized."})
        if self.token and call.token != self.token:
            return 401, {"message": "Unauthorized."}
        queue = self.fixed.get("/".join(parts))
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        kept, key = (self.apps, "appName") if parts[0] == "app" else (self.jobs, "jobName")
        return self._keep(call, parts, kept, key)

    def _keep(self, call: Call, parts: list[str], kept: dict[str, dict[str, Any]], key: str) -> Answer:
        match call.method, parts[1:]:
            case "POST", [] | ["register"]:
                if call.body[key] in kept:
                    return 409, {"message": f"{call.body[key]} exists already."}
                kept[call.body[key]] = call.body
            case "PUT", []:
                kept[call.body[key]] |= call.body
            case "PUT", ["update"]:
                kept[call.body[key]] = call.body
            case "GET", ["list"] | ["jobs"]:
                return 200, list(kept.values())
            case "GET", [name] | ["jobs", name]:
                return (200, kept[name]) if name in kept else (404, {"message": f"There is no {name}."})
            case "GET", [name, "disable"]:
                return 200, kept[name].get("disabled", False)
            case "POST", [name, ("disable" | "enable") as verb]:
                kept[name]["disabled"] = verb == "disable"
            case "DELETE", [name] | [name, "deregister"]:
                del kept[name]
            case _:  # a trigger or a kill, which changes nothing that is kept
                pass
        return 200, True


class Handler(BaseHTTPRequestHandler):
    scheduler: SmallScheduler

    def _serve(self) -> None:
        length = int(self.headers.get("content-length", 0))
        raw = self.rfile.read(length)
        call = Call(
            self.command, self.path, self.headers.get("accessToken"), json.loads(raw) if raw else None
        )
        status, body = self.scheduler.answer(call)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet: the calls are kept."""


@pytest.fixture
def scheduler() -> Iterator[SmallScheduler]:
    kept = SmallScheduler()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"scheduler": kept}))
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("ELASTICJOB_URL", "ELASTICJOB_TOKEN", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line without a scheduler in its environment."""

    def run(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def run(cli: Run, scheduler: SmallScheduler, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line with the scheduler in its environment."""
    monkeypatch.setenv("ELASTICJOB_URL", scheduler.url)
    return cli


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
        "memoryMB": 64.0,
        "appCacheEnable": False,
    }
    assert run("app", "list", "--json").json == [expected]
    assert run("app", "show", "my_app", "--json").json == {**expected, "disabled": False}
    assert run("app", "disable", "my_app").code == 0
    assert "disabled" in run("app", "list").out
    assert run("app", "enable", "my_app").code == 0
    assert run("app", "delete", "my_app").code == 0
    assert run("app", "list", "--json").json == []


def test_update_of_an_app_sends_only_what_is_named(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.apps["my_app"] = {"appName": "my_app"}
    run("app", "update", "my_app", "--event-trace-sampling-count", "5")
    assert scheduler.calls[-1].body == {"appName": "my_app", "eventTraceSamplingCount": 5}


def test_job_is_registered_with_the_documented_defaults(run: Run, scheduler: SmallScheduler) -> None:
    assert run("job", "register", "my_job", "--app-name", "my_app").code == 0
    assert scheduler.jobs["my_job"] == {
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


def test_every_field_of_a_job_reaches_the_scheduler(run: Run, scheduler: SmallScheduler) -> None:
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
    assert scheduler.jobs["my_job"] == {
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


def test_update_of_a_job_changes_only_what_is_named(run: Run, scheduler: SmallScheduler) -> None:
    before = {
        "jobName": "my_job",
        "appName": "my_app",
        "cron": "0 0 * * * ?",
        "cpuCount": 0.1,
        "failover": True,
        "timeZone": "",
        "props": {"a": "1", "b": "2"},
    }
    scheduler.jobs["my_job"] = {**before, "disabled": False, "someViewField": 1}
    assert run("job", "update", "my_job", "--cpu-count", "2", "--prop", "b=3", "--remove-prop", "a").code == 0
    # No `disabled`: the update leaves it as it is. No `timeZone`: empty means none.
    expected = {**before, "cpuCount": 2.0, "props": {"b": "3"}}
    del expected["timeZone"]
    assert scheduler.calls[-1].body == expected
    assert run("job", "update", "my_job", "--cron", "").code == 0
    assert "cron" not in scheduler.jobs["my_job"]


@pytest.mark.parametrize("kind", ["app", "job"])
def test_update_without_a_change_is_refused_before_anything_is_sent(
    run: Run, scheduler: SmallScheduler, kind: str
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
    run: Run, scheduler: SmallScheduler, home: Path, name: str, text: str
) -> None:
    file = home / name
    file.write_text(text, encoding="utf-8")
    assert run("job", "register", "--file", str(file), "--cpu-count", "2").code == 0
    assert scheduler.jobs["my_job"]["appName"] == "from_file"
    assert scheduler.jobs["my_job"]["cpuCount"] == 2.0
    assert scheduler.jobs["my_job"]["memoryMB"] == 64


def test_shown_job_can_be_registered_again_from_stdin(run: Run, scheduler: SmallScheduler) -> None:
    run("job", "register", "my_job", "-a", "my_app", "-s", "echo")
    shown = run("job", "show", "my_job", "--json").out
    before = scheduler.jobs.pop("my_job")
    assert run("job", "register", "-f", "-", stdin=shown).code == 0
    assert scheduler.jobs["my_job"] == {**before, "disabled": False}


@pytest.mark.parametrize("text", ["[1]", "{", "= x", "\x00", '{"jobName": "other"}', "cpuCount = nan"])
def test_bad_file_is_refused_with_a_message(run: Run, scheduler: SmallScheduler, text: str) -> None:
    outcome = run("job", "register", "my_job", "--file", "-", stdin=text)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: ")
    assert not scheduler.jobs


def test_job_is_triggered_disabled_enabled_and_deregistered(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.jobs["my_job"] = {"jobName": "my_job", "appName": "my_app"}
    assert run("job", "trigger", "my_job").code == 0
    assert (scheduler.calls[-1].target, scheduler.calls[-1].body) == ("/api/job/trigger", "my_job")
    assert run("job", "disable", "my_job").code == 0
    assert "disabled" in run("job", "list").out
    assert run("job", "enable", "my_job").code == 0
    assert "enabled" in run("job", "list").out
    assert run("job", "deregister", "my_job").code == 0
    assert scheduler.jobs == {}


def test_jobs_of_one_app_can_be_listed(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.jobs |= {name: {"jobName": name, "appName": f"app_{name}"} for name in ("a", "b")}
    assert [job["jobName"] for job in run("job", "list", "-a", "app_b", "--json").json] == ["b"]


def test_names_are_percent_encoded(run: Run, scheduler: SmallScheduler) -> None:
    run("app", "show", "作业")
    assert scheduler.calls[-1].target == "/api/app/%E4%BD%9C%E4%B8%9A"
    run("task", "kill", TASK_ID)
    assert (
        scheduler.calls[-1].target
        == "/api/job/tasks/my%20job%40-%400%40-%40READY%40-%40agent%2F1%40-%40uuid/kill"
    )
    run("app", "delete", "a?b#c")
    assert scheduler.calls[-1].target == "/api/app/a%3Fb%23c"


def test_name_that_would_climb_up_the_url_is_refused(run: Run, scheduler: SmallScheduler) -> None:
    for name in ("..", ".", ""):
        assert run("app", "delete", name).code == 2
    assert scheduler.calls == []


def test_tasks_of_all_kinds_are_listed(run: Run, scheduler: SmallScheduler) -> None:
    running = {
        "id": TASK_ID,
        "metaInfo": {"jobName": "my job", "shardingItems": [0]},
        "type": "READY",
        "idle": False,
    }
    ready = {"jobName": "big", "times": "2", "reason": "needs 8 CPUs"}
    failover = {"taskInfo": {"jobName": "lost", "shardingItems": [3]}, "originalTaskId": "lost@-@3"}
    scheduler.fixed = {
        "job/tasks/running": [(200, [running])],
        "job/tasks/ready": [(200, [ready])],
        "job/tasks/failover": [(200, [failover])],
    }
    listed = run("task", "list").out
    for shown in (TASK_ID, "big", "needs 8 CPUs", "lost@-@3"):
        assert shown in listed
    assert run("task", "list", "--json").json == {
        "running": [running],
        "ready": [ready],
        "failover": [failover],
    }
    assert run("task", "list", "-j", "big", "--json").json == {
        "running": [],
        "ready": [ready],
        "failover": [],
    }


def part(content: str, offset: int, size: int, *, ended: bool, truncated: bool = False) -> Answer:
    after = offset + len(content.encode())
    return 200, {
        "content": content,
        "offset": offset,
        "nextOffset": after,
        "size": size,
        "ended": ended,
        "truncated": truncated,
    }


def test_output_is_read_to_its_present_end(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        part("作业\n", 0, 10, ended=False),
        part("end", 7, 10, ended=False),
    ]
    outcome = run("task", "log", TASK_ID, "--stream", "stderr")
    assert (outcome.code, outcome.out) == (0, "作业\nend")
    assert [call.query["offset"] for call in scheduler.calls] == [["0"], ["7"]]
    assert scheduler.calls[0].query["stream"] == ["stderr"]


def test_followed_output_ends_with_the_task_and_outlives_a_change_of_leader(
    run: Run, scheduler: SmallScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elasticjob_cloud.cli.task.FOLLOW_SECONDS", 0.001)
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        part("one\n", 0, 4, ended=False),
        part("", 4, 4, ended=False),
        (503, {"message": "No leader."}),
        part("two\n", 4, 8, ended=True, truncated=True),
    ]
    outcome = run("task", "log", TASK_ID, "--follow")
    assert (outcome.code, outcome.out) == (0, "one\ntwo\n")
    assert "output_limit_bytes" in outcome.err


def test_events_are_asked_for_by_field_and_page(run: Run, scheduler: SmallScheduler) -> None:
    row = {
        "jobName": "my_job",
        "startTime": "2026-11-22T15:00:05+00:00",
        "completeTime": None,
        "isSuccess": False,
        "failureCause": "boom",
    }
    scheduler.fixed["job/events/executions"] = [(200, {"total": 3, "rows": [row]})]
    outcome = run(
        "events", "executions", "-j", "my_job", "--failed", "--per-page", "1", "--start-time", "2026-11-22"
    )
    assert "boom" in outcome.out
    assert "1 of 3" in outcome.err
    assert scheduler.calls[-1].query == {
        "jobName": ["my_job"],
        "isSuccess": ["false"],
        "startTime": ["2026-11-22"],
        "page": ["1"],
        "per_page": ["1"],
    }
    scheduler.fixed["job/events/statusTraces"] = [(200, {"total": 1, "rows": [{"state": "TASK_LOST"}]})]
    assert "TASK_LOST" in run("events", "traces", "--state", "TASK_LOST").out
    assert run("events", "traces", "--json").json == {"total": 1, "rows": [{"state": "TASK_LOST"}]}


def test_agents_and_schedulers_are_listed(run: Run, scheduler: SmallScheduler) -> None:
    agent = {
        "id": "a1",
        "hostname": "h",
        "cpusUsed": 0.5,
        "cpusTotal": 2.0,
        "executors": ["x", "y"],
        "taskCount": 3,
    }
    scheduler.fixed["operate/agents"] = [(200, [agent])]
    scheduler.fixed["operate/schedulers"] = [(200, [{"id": "s1", "address": "h:1", "leader": True}])]
    agents = run("agents").out
    for shown in ("a1", "0.5 of 2", "x, y"):
        assert shown in agents
    assert "leader" in run("schedulers").out
    assert run("agents", "--json").json == [agent]


@pytest.mark.parametrize(
    "command, hint",
    [
        (("app", "list"), "app publish"),
        (("job", "list"), "job register"),
        (("task", "list"), "job trigger"),
        (("agents",), "standalone"),
        (("schedulers",), "No scheduler"),
        (("events", "executions"), "job trigger"),
        (("events", "traces"), "job trigger"),
    ],
)
def test_empty_list_says_what_to_do_next(
    run: Run, scheduler: SmallScheduler, command: tuple[str, ...], hint: str
) -> None:
    empty: list[Answer] = [(200, [])]
    page: list[Answer] = [(200, {"total": 0, "rows": []})]
    scheduler.fixed = {f"job/tasks/{kind}": empty for kind in ("running", "ready", "failover")}
    scheduler.fixed |= {"operate/agents": empty, "operate/schedulers": empty}
    scheduler.fixed |= {"job/events/executions": page, "job/events/statusTraces": page}
    outcome = run(*command)
    assert (outcome.code, outcome.out) == (0, "")
    assert hint in outcome.err


def test_login_keeps_the_token_for_its_owner_alone(cli: Run, scheduler: SmallScheduler, home: Path) -> None:
    scheduler.token = "the-token"
    assert cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd\n").code == 0
    stored = home / "config/elasticjob-cloud/credentials.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    assert cli("job", "list", "--json").json == []
    assert cli("logout").code == 0
    assert not stored.exists()
    assert "Nobody" in cli("logout").err


def test_wrong_password_is_told_and_never_shown(cli: Run, scheduler: SmallScheduler, home: Path) -> None:
    outcome = cli("login", "--url", scheduler.url, "-u", "me", "--password-stdin", stdin="hunter2\n")
    assert outcome.code == 2
    assert "me" in outcome.err
    assert "hunter2" not in outcome.err
    assert not (home / "config").exists()


def test_login_without_a_terminal_asks_for_stdin(cli: Run) -> None:
    assert "--password-stdin" in cli("login").err
    assert "no password" in cli("login", "--password-stdin").err


def test_token_goes_to_no_other_scheduler(cli: Run, scheduler: SmallScheduler) -> None:
    cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd")
    other = scheduler.url.replace("127.0.0.1", "localhost")
    cli("job", "list", "--url", other)
    assert scheduler.calls[-1].token is None
    cli("job", "list", "--url", f"{scheduler.url}/api/")
    assert scheduler.calls[-1].token == "the-token"


def test_token_of_the_environment_goes_before_the_stored_one(
    cli: Run, scheduler: SmallScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd")
    monkeypatch.setenv("ELASTICJOB_TOKEN", "from-environment")
    cli("job", "list")
    assert scheduler.calls[-1].token == "from-environment"


def test_what_is_no_token_is_not_sent_or_shown(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_TOKEN", "hunter2\nx: y")
    outcome = cli("job", "list")
    assert outcome.code == 2
    assert "ELASTICJOB_TOKEN" in outcome.err
    assert "hunter2" not in outcome.err


def test_password_that_would_cross_the_network_in_the_clear_is_warned_of(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    # An address that is not loopback by its name, and reaches no further all the same.
    outcome = cli("login", "--url", "http://0.0.0.0:1", "--password-stdin", stdin="pwd")
    assert outcome.code == 3
    assert "Warning" in outcome.err


def test_missing_login_says_how_to_log_in(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.token = "the-token"
    outcome = run("job", "list")
    assert outcome.code == 2
    assert "elasticjob-cloud login" in outcome.err


def test_damaged_credentials_are_told_and_can_be_overwritten(
    cli: Run, scheduler: SmallScheduler, home: Path
) -> None:
    stored = home / "config/elasticjob-cloud/credentials.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("[]")
    outcome = cli("job", "list")
    assert outcome.code == 2
    assert "damaged" in outcome.err
    assert cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd").code == 0
    assert cli("job", "list").code == 0


@pytest.mark.parametrize(
    "answer, code, shown",
    [
        ((404, {"message": "There is no app gone."}), 2, "There is no app gone."),
        ((409, {"message": "It exists."}), 2, "It exists."),
        ((403, {"message": "guest may only look."}), 2, "guest may only look."),
        ((503, {"message": "No leader right now."}), 3, "No leader right now."),
        ((500, {"message": "Oops."}), 1, "HTTP 500"),
        ((200, b"<html>"), 3, "no ElasticJob-Cloud scheduler"),
        ((404, b"<html>"), 3, "no ElasticJob-Cloud scheduler"),
        ((400, {"detail": "x"}), 2, "HTTP 400"),
        ((400, []), 2, "HTTP 400"),
    ],
)
def test_error_of_the_scheduler_is_told_with_its_exit_code(
    run: Run, scheduler: SmallScheduler, answer: Answer, code: int, shown: str
) -> None:
    scheduler.fixed["app/x/enable"] = [answer]
    outcome = run("app", "enable", "x")
    assert (outcome.code, outcome.out) == (code, "")
    assert shown in outcome.err


def test_invalid_fields_are_told_with_their_options(run: Run, scheduler: SmallScheduler) -> None:
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
    run: Run, scheduler: SmallScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert run("job", "list", "--json").json == []


def test_nothing_but_queries_prints_to_stdout(run: Run, scheduler: SmallScheduler) -> None:
    assert run("app", "publish", "a", "-u", "http://h/x", "-b", "x").out == ""
    assert run("job", "register", "j", "-a", "a").out == ""
    assert run("job", "update", "j", "-n", "2").out == ""
    assert run("task", "kill", "t").out == ""


def test_next_fires_need_no_scheduler(cli: Run) -> None:
    outcome = cli("cron", "0 30 9 1 1 ? 2090", "--time-zone", "Asia/Shanghai", "--json")
    assert outcome.json == {"fires": ["2090-01-01T09:30:00+08:00"]}
    assert len(cli("cron", "* * * * * ?", "-n", "3").out.splitlines()) == 3
    never = cli("cron", "0 0 0 1 1 ? 1999")
    assert (never.code, never.out) == (0, "")
    assert "never" in never.err


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

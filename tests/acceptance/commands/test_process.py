"""The command line as a process of its own: terminals, pipes, signals, and how long it takes to start."""

import http.server
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.standalone import Standalone
from tests.threaded_server import served

PROGRAM = [sys.executable, "-c", "from elasticjob_cloud.cli.main import main; main()"]
DEADLINE_SECONDS = 30.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ELASTICJOB_", "COLUMNS"))
    }
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path), "TERM": "xterm-256color"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every query with one app or a task's output that never ends; keeps what is deleted and logged in."""

    seen: list[str]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.seen.append(f"{self.command} {self.path} {body}".strip())
        answers: dict[str, object] = {
            "/api/app/list": [{"appName": "my_app", "disabled": True}],
            "/api/login": {"accessToken": "token"},
        }
        endless = {"content": "working\n", "nextOffset": 8, "size": 8, "ended": False}
        content = json.dumps(answers.get(self.path, endless if "/log?" in self.path else True)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet: the requests are kept."""


@pytest.fixture
def seen(environment: dict[str, str]) -> Iterator[list[str]]:
    requests: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"seen": requests}))
    environment["ELASTICJOB_URL"] = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield requests


class Terminal:
    """The command line at a terminal, and the person before it."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        while text not in self.shown:
            part = self._read()
            assert part, f"{text!r} never came; shown: {self.shown!r}"
            self.shown += part

    def wait_for_hidden_input(self) -> None:
        # What is typed before the echo is off would be thrown away.
        deadline = time.monotonic() + DEADLINE_SECONDS
        while termios.tcgetattr(self._master)[3] & termios.ECHO:
            assert time.monotonic() < deadline, f"input is still shown: {self.shown!r}"
            time.sleep(0.005)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Read what is still shown, and give the exit code."""
        while part := self._read():
            self.shown += part
        return self._process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self) -> str:
        ready, _, _ = select.select([self._master], [], [], DEADLINE_SECONDS)
        assert ready, f"nothing came in time; shown: {self.shown!r}"
        try:
            return os.read(self._master, 65_536).decode()
        except OSError:  # Linux's way to say that the other side closed
            return ""


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(*arguments: str, **variables: str) -> Terminal:
        opened.append(Terminal({**environment, **variables}, *arguments))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


@pytest.mark.slow
@pytest.mark.parametrize("answer, deleted", [("n\r", False), ("y\r", True)])
def test_removal_is_asked_about_at_a_terminal(
    terminal: Callable[..., Terminal], seen: list[str], answer: str, deleted: bool
) -> None:
    at = terminal("app", "delete", "my_app")
    at.wait_for("[y/N]")
    at.type(answer)
    assert at.end() == (0 if deleted else 1)
    assert ("DELETE /api/app/my_app" in seen) is deleted


@pytest.mark.slow
def test_removal_without_a_terminal_requires_yes(
    terminal: Callable[..., Terminal], seen: list[str], environment: dict[str, str]
) -> None:
    assert terminal("job", "deregister", "one", "--yes").end() == 0
    command = [*PROGRAM, "job", "deregister", "two"]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 2
    assert "add --yes" in done.stderr
    subprocess.run([*command, "-y"], env=environment, stdin=subprocess.DEVNULL, check=True)
    assert seen == ["DELETE /api/job/one/deregister", "DELETE /api/job/two/deregister"]


@pytest.mark.slow
def test_password_is_asked_for_and_not_shown(terminal: Callable[..., Terminal], seen: list[str]) -> None:
    at = terminal("login")
    at.wait_for("Username")
    at.type("\r")
    at.wait_for("Password of root")
    at.wait_for_hidden_input()
    at.type("hunter2\r")
    assert at.end() == 0
    assert "hunter2" not in at.shown
    assert json.loads(seen[0].partition("login ")[2]) == {"username": "root", "password": "hunter2"}


@pytest.mark.slow
def test_table_has_colour_on_a_terminal_unless_it_is_unwanted(
    terminal: Callable[..., Terminal], seen: list[str]
) -> None:
    coloured, plain = terminal("app", "list"), terminal("app", "list", NO_COLOR="1")
    assert (coloured.end(), plain.end()) == (0, 0)
    assert "\x1b[33mdisabled" in coloured.shown
    assert "\x1b[3" not in plain.shown
    assert "my_app" in plain.shown


@pytest.mark.slow
def test_interrupt_is_quiet(seen: list[str], environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*PROGRAM, "task", "log", "t", "--follow"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert errors == b""
    assert process.returncode == 130


@pytest.mark.slow
def test_reader_that_goes_away_is_no_error(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*PROGRAM, "cron", "* * * * * ?", "--count", "1000"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_letter_that_the_output_lacks_is_shown_by_its_number(environment: dict[str, str]) -> None:
    asked = [*PROGRAM, "app", "publish", "--file", "作业.json"]
    ended = subprocess.run(
        asked, env={**environment, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: \\u4f5c\\u4e1a.json cannot be read")


@pytest.mark.slow
def test_client_commands_do_not_import_the_server(seen: list[str], environment: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from elasticjob_cloud.cli.main import main\n"
        "try:\n    main(['app', 'list'])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = ('fastapi', 'uvicorn', 'sqlalchemy', 'alembic', 'pydantic_settings', 'argon2', 'psutil', 'ray',\n"
        "         'elasticjob_cloud.engine', 'elasticjob_cloud.store', 'elasticjob_cloud.agent',\n"
        "         'elasticjob_cloud.scheduling', 'elasticjob_cloud.api', 'httpx._main')\n"
        "sys.exit(' '.join(sorted(name for name in heavy if sys.modules.get(name))) or 0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
def test_help_needs_neither_http_nor_tables(environment: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from elasticjob_cloud.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "sys.exit(' '.join(sorted(name for name in ('httpx', 'rich.console') if sys.modules.get(name))) or 0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "standalone" in ended.stdout


@pytest.mark.slow
def test_shell_completes_commands(environment: dict[str, str]) -> None:
    asked = {
        **environment,
        "_ELASTICJOB_CLOUD_COMPLETE": "complete_bash",
        "COMP_WORDS": "elasticjob-cloud jo",
    }
    ended = subprocess.run(
        PROGRAM, env={**asked, "COMP_CWORD": "1"}, capture_output=True, text=True, check=False
    )
    assert ended.stdout.split() == ["job"]


@pytest.mark.slow
def test_machines_zone_that_has_no_name_is_warned_about(environment: dict[str, str]) -> None:
    asked = [*PROGRAM, "cron", "0 0 9 * * ?", "-n", "1"]
    for variable, told in (("CST-8", True), ("Asia/Shanghai", False)):
        ended = subprocess.run(
            asked, env={**environment, "TZ": variable}, capture_output=True, text=True, check=True
        )
        assert ("clock is at UTC+08:00; UTC is used" in ended.stderr) is told
        assert ended.stdout.endswith("+00:00\n" if told else "+08:00\n")


@pytest.mark.slow
def test_server_warns_about_a_zone_that_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CST-8")
    monkeypatch.delenv("ELASTICJOB_TIME_ZONE", raising=False)
    with Standalone(tmp_path / "data", is_forked=False, time_zone=None) as server:
        log = server.log.read_text(encoding="utf-8")
    assert "This machine's time zone has no name: TZ is 'CST-8'" in log
    assert "--time-zone Asia/Shanghai" in log

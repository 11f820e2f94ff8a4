"""What jobs learn of the secrets of those who started them: nothing, through their environment, `ps` or /proc."""

import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from elasticjob_cloud.agent.process.start.environment import agent_environment, base_environment
from elasticjob_cloud.engine.ray.frames import GatewaySettings
from elasticjob_cloud.engine.ray.gateway_process import _spawn
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.settings.sources import load_settings
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import http_app_server
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]
_SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hush-aws",
    "DATABASE_URL": "postgresql://u:hush-db@h/d",
    "PGPASSWORD": "hush-pg",
    "MY_SERVICE_KEY": "hush-mine",
    "elasticjob_admin_password": "hush-lower",
    "ElasticJob_Guest_Password": "hush-mixed",
    "RAY_AUTH_TOKEN": "hush-ray",
    "SSH_AUTH_SOCK": "/hush",
}
_PASSED = {
    "HOME": "/home/somebody",
    "LANG": "C.UTF-8",
    "LC_TIME": "C",
    "TZ": "Asia/Shanghai",
    "TMPDIR": "/var/tmp",
    "SSL_CERT_FILE": "/etc/certificates.pem",
    "SSL_CERT_DIR": "/etc/certificates",
    "http_proxy": "http://proxy.example:1",
    "HTTPS_PROXY": "http://proxy.example:2",
    "no_proxy": "localhost",
    "ALL_PROXY": "socks5://proxy.example:3",
}
_OF_TASKS = {"AGENT_ID", "PROCESS", "TASK_ID", "JOB_NAME", "JOB_PARAMETER"}
_OF_TASKS |= {"SHARDING_ITEM", "SHARDING_PARAMETER", "SHARDING_TOTAL_COUNT"}
_OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_"}
# Gives up root's rights to read other processes (PR_CAPBSET_DROP: CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON).
_WITHOUT_RIGHTS = """
import ctypes, os, sys
for right in (19, 21, 38):
    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_only_what_is_on_the_list_reaches_tasks() -> None:
    given = base_environment("agent", {**_SECRETS, **_PASSED, "PATH": "/bin"})
    assert given.pop("PATH") == f"{Path(sys.executable).parent}:/bin"
    assert given == {**_PASSED, "ELASTICJOB_AGENT_ID": "agent"}


def test_named_variable_reaches_tasks_but_never_one_of_our_own() -> None:
    named = ("MY_SERVICE_KEY", "elasticjob_admin_password", "NOT_SET")
    for passed in (
        base_environment("agent", _SECRETS, pass_env=named),
        agent_environment(_SECRETS, named),
    ):
        assert passed["MY_SERVICE_KEY"] == "hush-mine"
        assert not passed.keys() & (_SECRETS.keys() - {"MY_SERVICE_KEY"})


@pytest.mark.parametrize(
    "name", ["ELASTICJOB_ADMIN_PASSWORD", "elasticjob_database_url", "A=b", "A B", "1A", "Ä"]
)
def test_name_that_cannot_be_passed_is_refused(name: str) -> None:
    with pytest.raises(StartError, match="--pass-env"):
        load_settings({"pass_env": (name,)})


def test_names_come_from_option_variable_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({"pass_env": ("A", "B,C")}).pass_env == ("A", "B", "C")
    for text in ('pass_env = "A, B"\n', 'pass_env = ["A", "B"]\n'):
        (tmp_path / "s.toml").write_text(text)
        assert load_settings({}, tmp_path / "s.toml").pass_env == ("A", "B")
    monkeypatch.setenv("ELASTICJOB_PASS_ENV", "C ,D")
    assert load_settings({}).pass_env == ("C", "D")


def test_processes_show_no_secret_to_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _SECRETS.items():
        if not name.lower().startswith("elasticjob_"):
            monkeypatch.setenv(name, value)
    secrets = {"ADMIN_PASSWORD": "hush-admin", "GUEST_PASSWORD": "hush-guest"}
    secrets["ALLOWED_URL_PREFIXES"] = "http://,https://user:hush-url@apps.example/"
    options = ("--pass-env", "MY_SERVICE_KEY", "--pass-env", "NOT_SET")
    server = Standalone(tmp_path / "data", *options, settings=secrets)
    server._start = start_without_rights
    with http_app_server() as apps, server:
        server.publish_script(apps, "look", "env")
        server.register_script("look")
        server.call("POST", "/job/trigger", "look")
        (end,) = server.ended("look")
        environment = dict(
            line.partition("=")[::2] for line in server.output(end["taskId"]).splitlines() if "=" in line
        )
        assert environment["MY_SERVICE_KEY"] == "hush-mine"
        assert "hush" not in "".join(value for name, value in environment.items() if name != "MY_SERVICE_KEY")
        ours = {name for name in environment if name.upper().startswith("ELASTICJOB_")}
        assert ours <= {f"ELASTICJOB_{name}" for name in _OF_TASKS}
        assert server.process is not None
        pids = (server.process.pid, wait_for(server.agent_pid, "the agent"))
        for pid in pids:
            assert b"hush" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert not can_be_read_by_jobs(pid)
        agent = Path(f"/proc/{pids[1]}/environ").read_bytes().replace(b"hush-mine", b"")
        assert b"hush" not in agent


def test_password_of_a_database_url_leaves_the_command_line(tmp_path: Path) -> None:
    # Nobody listens there: the scheduler goes on asking.
    url = "postgresql://somebody:hush-db@127.0.0.1:1/database?application_name=x"
    log = (tmp_path / "log").open("wb")
    command = [sys.executable, "-m", "elasticjob_cloud.entry", "scheduler", "--engine", "local"]
    command += ["--database-url", url, "--port", "0", "--data-dir", str(tmp_path / "data"), "--no-auth"]
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            shown = Path(f"/proc/{process.pid}/cmdline")
            wait_for(
                lambda: process.poll() is not None or b"somebody:*******@127" in shown.read_bytes(),
                "the password is gone",
                60,
            )
            said = (tmp_path / "log").read_text()
            assert process.poll() is None, said
            assert b"hush" not in shown.read_bytes()
            wait_for(lambda: "ELASTICJOB_DATABASE_URL" in (tmp_path / "log").read_text(), "the warning")
        finally:
            process.kill()
    assert "hush" not in (tmp_path / "log").read_text()


def start_without_rights(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a program of ours without root's rights: a process must not be read by one that has fewer."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                _WITHOUT_RIGHTS,
                sys.executable,
                "-m",
                "elasticjob_cloud.entry",
                *arguments,
            ],
            stdout=output,
            stderr=output,
            env=dict(environment),
        )


def can_be_read_by_jobs(pid: int) -> bool:
    """Tell whether a process of the same user, without root's rights, can read its environment."""
    command = [sys.executable, "-c", _WITHOUT_RIGHTS, "cat", f"/proc/{pid}/environ"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_other_processes_of_the_user_can_be_read() -> None:
    with subprocess.Popen([sys.executable, "-c", _WITHOUT_RIGHTS, "sleep", "60"]) as process:
        try:
            # What the test above looks for is there to be seen.
            wait_for(lambda: can_be_read_by_jobs(process.pid), "it can be read")
        finally:
            process.kill()


def test_gateway_to_ray_shows_no_setting_and_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ELASTICJOB_ADMIN_PASSWORD", "elasticjob_database_url"):
        monkeypatch.setenv(name, "hush")
    settings = GatewaySettings(address="hush:1", namespace="hush", agent_dir="hush", agent_settings="{}")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = _spawn(settings, theirs.fileno(), None)
        try:
            shown = Path(f"/proc/{process.pid}")
            # The kernel shows it a moment after the start.
            wait_for(lambda: b".gateway" in (shown / "cmdline").read_bytes(), "its arguments")
            assert b"hush" not in (shown / "cmdline").read_bytes() + (shown / "environ").read_bytes()
        finally:
            process.kill()
            process.wait()

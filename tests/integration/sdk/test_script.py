"""Jobs of type SCRIPT, with real commands."""

import json
import time
from pathlib import Path

import pytest

from elasticjob_cloud import JobExecutionError
from elasticjob_cloud.testing import ShardResult, run_shard
from tests.integration.sdk.sdk_agent import SdkAgent
from tests.processes import wait_gone


def script(command: str) -> ShardResult:
    return run_shard(
        "SCRIPT",
        item=1,
        total_count=3,
        parameter="it's 上海",
        job_parameter="p",
        props={"script.command.line": command},
    )


def test_context_is_the_last_argument_and_in_the_environment() -> None:
    result = script("printf '%s\\n' first")
    assert result.success, result.exception
    first, context = result.stdout.splitlines()
    assert first == "first"
    assert json.loads(context)["shardingItemParameters"] == {"1": "it's 上海"}
    assert script("echo $ELASTICJOB_SHARDING_ITEM $ELASTICJOB_SHARDING_PARAMETER #").stdout == "1 it's 上海\n"


def test_both_streams_are_the_tasks() -> None:
    result = script("echo out; echo err >&2; printf '\\377' #")
    assert result.stdout == "out\n\N{REPLACEMENT CHARACTER}"
    assert result.stderr == "err\n"


@pytest.mark.parametrize(
    "command, part",
    [
        ("exit 7 #", "ended with exit code 7."),
        ("kill -9 $$ #", "ended with signal SIGKILL."),
        ("/no/such/file", "ended with exit code 127: "),
        (
            "seq 10000; echo 'quota exceeded' >&2; seq 10000; exit 3 #",
            "ended with exit code 3: quota exceeded",
        ),
        ("echo 'no such table'; exit 1 #", "ended with exit code 1: no such table"),
    ],
)
def test_other_end_than_exit_code_0_is_a_failure(command: str, part: str) -> None:
    result = script(command)
    assert isinstance(result.exception, JobExecutionError)
    assert part in str(result.exception)


def test_missing_command_is_explained() -> None:
    assert "needs the property script.command.line" in str(run_shard("SCRIPT").exception)


def test_what_a_script_leaves_in_the_background_ends_with_it() -> None:
    began = time.monotonic()
    result = script("sleep 100 & echo $! #")
    assert result.success
    assert time.monotonic() - began < 30, "the background process holds the pipe, and nobody waits for it"
    wait_gone(int(result.stdout))


def test_much_output_comes_whole() -> None:
    result = script("head -c 3000000 /dev/zero | tr '\\0' x #")
    assert len(result.stdout) == 3_000_000


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_kill_ends_the_whole_group(tmp_path: Path, service: str) -> None:
    with SdkAgent(tmp_path) as agent:
        agent.start("SCRIPT")
        command = "sh -c 'echo $$; exec sleep 100' & echo $$; sleep 0.1; echo ready; wait #"
        agent.run(props={"script.command.line": command}, jobExecutorServiceHandlerType=service)
        agent.wait_text("t0", "ready")
        agent.kill("t0")
        assert agent.wait_end("t0")["state"] == "TASK_KILLED"
        for pid in agent.text("t0").removesuffix("ready\n").split():
            wait_gone(int(pid))


@pytest.mark.slow
def test_kill_ends_a_script_that_ignores_sigterm(tmp_path: Path) -> None:
    with SdkAgent(tmp_path) as agent:
        agent.write(
            "start.py",
            "from elasticjob_cloud import JobBootstrap\n"
            "from elasticjob_cloud.sdk.jobs import script_job\n"
            "script_job._GRACE_SECONDS = 0.2\n"
            'JobBootstrap.execute("SCRIPT")\n',
        )
        agent.start("start.py")
        agent.run(props={"script.command.line": "trap '' TERM; echo $$; while :; do sleep 0.05; done #"})
        agent.wait_text("t0", "\n")
        agent.kill("t0")
        assert agent.wait_end("t0")["state"] == "TASK_KILLED"
        wait_gone(int(agent.text("t0")))


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["", " > cleaned 2>&1"])
def test_what_stands_behind_the_shell_has_its_grace(tmp_path: Path, redirection: str) -> None:
    with SdkAgent(tmp_path) as agent:
        agent.write(
            "start.py",
            "from elasticjob_cloud import JobBootstrap\n"
            "from elasticjob_cloud.sdk.jobs import script_job\n"
            "script_job._GRACE_SECONDS = 15.0\n"
            'JobBootstrap.execute("SCRIPT")\n',
        )
        agent.start("start.py")
        job = "trap 'sleep 0.5; echo cleaned; exit' TERM; while :; do sleep 0.05; done"
        command = f'(sleep 0.3; echo ready) & sh -c "{job}"{redirection}; true'
        agent.run(props={"script.command.line": command})
        agent.wait_text("t0", "ready")
        agent.kill("t0")
        assert agent.wait_end("t0")["state"] == "TASK_KILLED"
        cleaned = (
            (tmp_path / "cleaned").read_text() if redirection else agent.text("t0").removeprefix("ready\n")
        )
        assert cleaned.endswith("cleaned\n")  # the shell may say that its sleep was ended


def test_scripts_end_with_the_executor(tmp_path: Path) -> None:
    with SdkAgent(tmp_path) as agent:
        agent.start("SCRIPT")
        agent.run(props={"script.command.line": "echo $$; sleep 100 #"})
        agent.wait_text("t0", "\n")
        agent.disconnect()
        agent.wait_exit(seconds=5)
        wait_gone(int(agent.text("t0")))


@pytest.mark.parametrize(
    "command,printed",
    [("echo a;", "a\n"), ("(echo a)", "a\n"), ("cat <<E\na\nE\n", "a\n"), ("echo a | cat\r\n", "a\n")],
)
def test_line_that_takes_no_argument_is_run_as_written(command: str, printed: str) -> None:
    result = script(command)
    assert (result.exception, result.stdout) == (None, printed)


def test_script_runs_and_leaves_nothing_where_there_is_no_waitid(monkeypatch: pytest.MonkeyPatch) -> None:
    # As on macOS before Python 3.13.
    monkeypatch.delattr("os.waitid", raising=False)
    result = script("sleep 100 & echo $!;")
    assert result.success, result.exception
    wait_gone(int(result.stdout))
    assert "exit code 7" in str(script("exit 7").exception)

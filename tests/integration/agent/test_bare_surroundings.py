"""Users without a name or a home, directories that cannot be written, the first process of a container: a sentence, no trace."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
_NOBODY = """
import pwd, sys
def unknown(*_): raise KeyError("uid not found")
pwd.getpwuid = pwd.getpwnam = unknown
sys.argv = ["elasticjob-cloud", *sys.argv[1:]]
from elasticjob_cloud.entry import main
main()
"""


def run_bare(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env={"PATH": "/usr/bin:/bin", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.mark.parametrize(
    "arguments,says",
    [
        (
            ["standalone", "--port", "0"],
            "no home directory to keep the data in. Choose a directory with --data-dir",
        ),
        (["scheduler"], "no home directory to keep the data in"),
        (["demo"], "no home directory to keep the data in"),
        (["standalone", "--data-dir", "~/data"], "begins with ~, and this user has no home directory"),
        (["job", "list", "--url", "http://127.0.0.1:9"], "No scheduler answers at http://127.0.0.1:9"),
        (["logout"], "Nobody was logged in."),
    ],
)
def test_command_of_a_user_without_a_home_ends_in_one_sentence(arguments: list[str], says: str) -> None:
    done = run_bare("-c", _NOBODY, *arguments)
    told = done.stdout + done.stderr
    assert says in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("settings", ["{", '{"kill_grace_seconds": "x"}'])
def test_agent_says_in_one_sentence_that_its_settings_are_none(tmp_path: Path, settings: str) -> None:
    done = run_bare(
        "-m", "elasticjob_cloud.agent", "--directory", str(tmp_path / "a"), "--settings", settings
    )
    assert done.returncode == 2
    assert done.stderr.startswith("The agent's settings cannot be read: ")
    assert len(done.stderr.splitlines()) == 1


def test_agent_says_in_one_sentence_where_it_cannot_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "agent"
    done = run_bare("-m", "elasticjob_cloud.agent", "--directory", str(directory))
    assert done.returncode == 4
    assert done.stderr == f"The agent cannot work in {directory}: Not a directory ({directory}).\n"


def test_temporary_directory_that_cannot_be_written_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    deep = str(tmp_path / ("deep" * 25))
    for arguments in (
        ["-m", "elasticjob_cloud.agent", "--directory", deep],
        ["-c", _NOBODY, "standalone", "--port", "0", "--data-dir", deep],
    ):
        # No directory can be made below a file, by no user.
        done = run_bare(*arguments, TMPDIR="/dev/null")
        assert "The directory of the agent's sockets, /dev/null/elasticjob-" in done.stderr
        assert "Set TMPDIR to a directory that can be written" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="becomes a subreaper: run it on Linux")
def test_dead_that_nobody_waits_for_are_reaped_and_awaited_ones_are_not() -> None:
    script = """
import os, time
from elasticjob_cloud.agent.process.orphans import OrphanReaper
from elasticjob_cloud.agent.process.table import read_own_children, read_process
from elasticjob_cloud.agent.process.trees import become_subreaper
become_subreaper()
awaited = os.posix_spawn("/bin/true", ["true"], {})
os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "sleep 0.1 & true"], {}), 0)
def all_dead():
    rows = [read_process(pid) for pid in read_own_children()]
    return len(rows) == 2 and all(row and row.zombie for row in rows)
while not all_dead():
    time.sleep(0.01)
reaper = OrphanReaper(lambda pid: pid == awaited)
print(reaper.look(), reaper.look(), reaper.look(), read_own_children() == [awaited])
"""
    done = run_bare("-c", script)
    assert done.stdout == "0 1 0 True\n", done.stderr

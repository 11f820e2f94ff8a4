"""The code of docs/sdk.md runs."""

import re
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT

PAGE = ROOT / "docs/sdk.md"

FLOW = """
from elasticjob_cloud.testing import run_shard
from my_flow import Work
from my_listener import Announcer
props = {"streaming.process": "true"}
result = run_shard(Work, parameter="Beijing", job_name="flow", props=props, listeners=[Announcer])
print(result.stdout, end="")
"""


def test_code_of_the_guide_runs(tmp_path: Path) -> None:
    job, dataflow, listener, test, script, report = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    (tmp_path / "my_app.py").write_text(job + report)
    (tmp_path / "guide.py").write_text(f"{test}\ntest_cleanup_names_its_city()\nprint('tested')\n")
    (tmp_path / "start.py").write_text(script)
    tested = run("guide.py", folder=tmp_path)
    assert tested.stdout == "tested\n", tested.stderr
    (tmp_path / "my_flow.py").write_text(dataflow)
    (tmp_path / "my_listener.py").write_text(listener)
    (tmp_path / "flow.py").write_text(FLOW)
    flowed = run("flow.py", folder=tmp_path)
    assert flowed.stdout == "flow item 0 begins\nBeijing 4\nBeijing 2\nflow item 0 ended\n", flowed.stderr
    started = run("start.py", folder=tmp_path)
    assert started.returncode == 2, "the jobs are good, and only the agent is missing"
    assert "run-local" in started.stderr


def test_commands_of_the_guide_run(tmp_path: Path) -> None:
    (tmp_path / "my_app.py").write_text(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0])
    commands = re.findall(r"^elasticjob-cloud (run-local [^#\n]*)", PAGE.read_text(), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        ended = run(
            "-c",
            f"import sys, shlex; sys.argv[1:] = shlex.split({command!r});"
            "from elasticjob_cloud.entry import main; main()",
            folder=tmp_path,
        )
        assert ended.returncode == 0, ended.stderr
        assert "shard 1 of 2" in ended.stdout


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )

"""A short time of faults, with hosts, processes, database and network that are real. Longer ones: `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import isolation

_ROOT = Path(__file__).parents[2]
# Everything comes up in half a minute, and goes down in less than a minute and a half.
_SEED, _MINUTES = 1, 2

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _hosts_can_be_made() -> None:
    problem = isolation.missing()
    if problem:
        pytest.skip(f"no faults on hosts are tested: {problem}")


def test_cables_and_hosts_fail_as_they_are_told_to() -> None:
    _run("tests.chaos.host_trial")


def test_promises_hold_while_processes_hosts_and_networks_fail() -> None:
    _run("tests.chaos.run", "--seed", str(_SEED), "--minutes", str(_MINUTES))


def _run(module: str, *arguments: str) -> None:
    run = subprocess.run(
        isolation.command(["-m", module, *arguments]),
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(run.stdout)
    assert run.returncode == 0, run.stdout[-4000:]

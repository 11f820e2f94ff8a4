"""A short time of faults, with hosts, processes, database and network that are real. Longer ones: `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.hosts import isolation

_ROOT = Path(__file__).parents[2]
# One of each kind, those that are soon over: three minutes in all.
_FAULTS = (
    "leader: kill -9",
    "leader: SIGTERM",
    "agent: kill -9",
    "Ray node: its host crashes",
    "PostgreSQL: kill -9",
    "network: leader cut off from all",
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _hosts_can_be_made() -> None:
    problem = isolation.missing()
    if problem:
        pytest.skip(f"no faults on hosts are tested: {problem}")


def test_cables_and_hosts_fail_as_they_are_told_to() -> None:
    _run("tests.chaos.hosts.host_trial")


def test_promises_hold_while_processes_hosts_and_networks_fail() -> None:
    chosen = [argument for fault in _FAULTS for argument in ("--fault", fault)]
    _run("tests.chaos.run", "--seed", "1", *chosen)


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

"""The units in examples/deploy/systemd pass systemd's own checker, and find the variables that they use."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.deploy.deploy_files import SYSTEMD, environment_file, unit

UNITS = sorted(path.name for path in SYSTEMD.glob("*.service"))


def verify(folder: Path, *texts: str) -> subprocess.CompletedProcess[str]:
    """Run systemd's checker over units, with programs where they say."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; on Debian: apt-get install systemd")
    programs = folder / "bin"
    programs.mkdir()
    for program in ("ray", "elasticjob-cloud"):
        (programs / program).write_text("#!/bin/sh\n")
        (programs / program).chmod(0o755)
    for name, text in zip(UNITS, texts, strict=True):
        (folder / name).write_text(text.replace("/opt/elasticjob/bin", str(programs)))
    command = ["systemd-analyze", "verify", "--man=no", *(str(folder / name) for name in UNITS)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def texts() -> list[str]:
    return [(SYSTEMD / name).read_text() for name in UNITS]


@pytest.mark.slow
def test_units_pass_systemds_checker(tmp_path: Path) -> None:
    checked = verify(tmp_path, *texts())

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.slow
def test_systemds_checker_notices_a_misspelt_key(tmp_path: Path) -> None:
    broken = [text.replace("OOMPolicy", "OOMPolitics") for text in texts()]

    assert "OOMPolitics" in verify(tmp_path, *broken).stderr


@pytest.mark.parametrize("name", UNITS)
def test_commands_use_variables_that_the_units_files_set(name: str) -> None:
    settings = unit(name)
    files = [environment_file(Path(path).name) for path in settings["EnvironmentFile"]]
    known = {variable for file in files for variable in file}

    (command,) = settings["ExecStart"]

    assert set(re.findall(r"\$\{?(\w+)", command)) <= known


@pytest.mark.parametrize("name", UNITS)
def test_units_restart_without_limit_and_not_as_root(name: str) -> None:
    settings = unit(name)

    assert settings["Restart"] == ["always"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert settings["User"] != ["root"]


def test_jobs_run_as_another_user_than_schedulers() -> None:
    users = {name: unit(name)["User"][0] for name in UNITS}

    jobs = users.pop("elasticjob-ray-node.service")
    assert jobs not in users.values()
    assert len(set(users.values())) == 1
    folder = environment_file("scheduler.env")["ELASTICJOB_AGENT_DIR"].removeprefix("/var/lib/")
    assert folder in unit("elasticjob-ray-node.service")["StateDirectory"][0].split()


def test_head_and_node_on_one_machine_have_ports_and_folders_of_their_own() -> None:
    head, node = (
        dict(re.findall(r"--([\w-]+-port|temp-dir)=(\S+)", unit(name)["ExecStart"][0]))
        for name in ("elasticjob-ray-head.service", "elasticjob-ray-node.service")
    )

    assert len(node) == 6
    assert not set(head.values()) & set(node.values())


def test_every_process_of_ray_asks_for_the_token() -> None:
    assert environment_file("ray.env")["RAY_AUTH_MODE"] == "token"
    for name in UNITS:
        assert "/etc/elasticjob/ray.env" in unit(name)["EnvironmentFile"], name

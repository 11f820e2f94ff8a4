"""What examples/deploy sets is what a scheduler and `ray start` know, and a scheduler would start with it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.settings.scheduler import SchedulerSettings, variable_of
from elasticjob_cloud.settings.sources import CONFIG_VARIABLE, load_settings
from tests.integration.deploy.deploy_files import (
    DEPLOY,
    SYSTEMD,
    compose,
    environment_file,
    object_of,
    pod_templates,
    unit,
)

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc")
_WITHOUT_RAY = {"database", "ray-store"}
SECRETS = {
    "database_url": "postgresql://elasticjob:secret@database/elasticjob",
    "admin_password": "not-the-default",
    "guest_password": "not-the-default-either",
}


def test_every_variable_is_a_setting() -> None:
    known = {variable_of(name) for name in SchedulerSettings.model_fields} | {CONFIG_VARIABLE}
    used = {
        (path.name, name)
        for path in FILES
        for name in re.findall(r"\bELASTICJOB_[A-Z_]+\b", path.read_text())
    }

    assert len(used) > 30
    assert {pair for pair in used if pair[1] not in known} == set()


def test_every_file_says_how_it_was_checked() -> None:
    for path in FILES:
        if path.name != "scheduler-beside-ray.sh":  # which a test runs
            head = "\n".join(path.read_text().splitlines()[:5])
            assert re.search(r"[Cc]hecked (by|against|with)", head), path


def of_pod() -> dict[str, str]:
    (container,) = object_of("Deployment")["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    return {name: value.replace("$(POD_IP)", "10.1.2.3") for name, value in values.items()}


def of_compose(service: str) -> dict[str, str]:
    return dict(compose()["services"][service]["environment"])


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(of_pod(), id="kubernetes"),
        pytest.param(of_compose("scheduler-1"), id="compose-1"),
        pytest.param(of_compose("scheduler-2"), id="compose-2"),
        pytest.param(environment_file("scheduler.env"), id="systemd"),
    ],
)
def test_scheduler_would_start_with_the_settings(
    environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "scheduler.toml"
    secrets.write_text("".join(f'{name} = "{value}"\n' for name, value in SECRETS.items()))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = load_settings({}, secrets, required=("engine", "database_url"))

    assert settings.engine == "ray"
    assert settings.ray_address.endswith(":6379")
    assert settings.store_url == SECRETS["database_url"]
    assert settings.advertise_url.startswith("http://")
    assert settings.advertise_url.endswith(f":{settings.port}")
    assert settings.allowed_url_prefixes == ("https://apps.example.com/",)


def test_rays_memory_monitor_is_off_wherever_ray_runs() -> None:
    """Its only victims would be the relays, without which the agents are cut off."""
    services = compose()["services"]
    environments = {name: services[name]["environment"] for name in services if name not in _WITHOUT_RAY}
    for name, template in pod_templates().items():
        for container in template["spec"]["containers"]:
            entries = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
            if any(variable.startswith("RAY_health") for variable in entries):
                environments[f"{name} {container['name']}"] = entries
    environments["ray.env"] = environment_file("ray.env")

    assert len(environments) == 8
    assert {name: it.get("RAY_memory_monitor_refresh_ms") for name, it in environments.items()} == (
        dict.fromkeys(environments, "0")
    )


def test_node_is_stopped_by_a_signal_to_ray_start_alone_with_time_to_drain() -> None:
    service = unit("elasticjob-ray-node.service")
    assert service["KillMode"] == ["mixed"]
    assert int(service["TimeoutStopSec"][0]) > 30, "Ray drains for up to 30 s"
    (group,) = object_of("RayCluster")["spec"]["workerGroupSpecs"]
    assert group["template"]["spec"]["terminationGracePeriodSeconds"] > 30


def ray_options() -> dict[str, set[str]]:
    """Give the options of every `ray start`, by where it stands."""
    texts = {
        "scheduler-beside-ray.sh": (DEPLOY / "scheduler-beside-ray.sh").read_text().replace("\\\n", " "),
        "ray.env": "ray start " + environment_file("ray.env")["RAY_NODE_OPTIONS"],
        "ray-head.env": "ray start " + environment_file("ray-head.env")["RAY_HEAD_OPTIONS"],
        "scheduler.yaml": "ray start " + of_pod()["RAY_NODE_OPTIONS"],
    }
    texts |= {path.name: unit(path.name)["ExecStart"][0] for path in SYSTEMD.glob("*.service")}
    for name, service in compose()["services"].items():
        texts[f"compose.yaml, {name}"] = " ".join(map(str, service.get("command", [])))
    spec: dict[str, Any] = object_of("RayCluster")["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        parameters = shlex.join(f"--{name}={value}" for name, value in group["rayStartParams"].items())
        texts[f"raycluster.yaml, {group.get('groupName', 'head')}"] = f"ray start {parameters}"
    starts = {where: text.partition("ray start ")[2] for where, text in texts.items()}
    return {
        where: set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) for where, text in starts.items() if text
    }


@pytest.mark.slow
def test_ray_start_knows_every_option() -> None:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed; get it with: make setup-ray")
    code = (
        "from ray.scripts.scripts import start; print(*(each for one in start.params for each in one.opts))"
    )
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    known = set(printed.stdout.split())
    used = ray_options()

    assert len(used) == 11
    for where, options in used.items():
        assert options, where
        assert options <= known, where


@pytest.mark.slow
def test_container_starts_its_ray_node_again_and_ends_as_its_scheduler_does(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name, body in {
        "ray": f'echo ray "$@" $(env | grep -ic elasticjob_) >> {log}\nexit 1',
        "elasticjob-cloud": f'until [ "$(grep -cs ^ray {log})" = 2 ]; do sleep 0.05; done\n'
        f'echo scheduler "$@" >> {log}\nexit 7',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    ended = subprocess.run(
        ["sh", str(DEPLOY / "scheduler-beside-ray.sh"), "--port", "9000"],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "ELASTICJOB_RAY_ADDRESS": "head:6379",
            "elasticjob_admin_password": "line one\nelasticjob_line_two=hush",
            "RAY_NODE_OPTIONS": "--node-manager-port=6380 --min-worker-port=10002",
        },
        # No pipes, which its loop would hold open until it sees, too, that the scheduler is gone.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )

    lines = log.read_text().splitlines()
    assert ended.returncode == 7
    assert lines[2] == "scheduler scheduler --port 9000"
    for line in lines[:2]:
        assert line.startswith("ray start --address=head:6379 --num-cpus=0 ")
        # No setting of the scheduler's is in its environment; one line is the second of a value.
        assert line.endswith("--node-manager-port=6380 --min-worker-port=10002 --block 0")

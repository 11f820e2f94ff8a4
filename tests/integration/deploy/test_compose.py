"""The Compose file in examples/deploy/compose keeps its schema; what its page says to type makes the secrets it needs."""

import copy
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from elasticjob_cloud import __version__
from elasticjob_cloud.settings.sources import read_settings_file
from tests.integration.deploy.deploy_files import COMPOSE_FILE, check_schema, compose

SCHEMA = ("--builtin-schema", "vendor.compose-spec")


@pytest.mark.slow
def test_file_keeps_the_schema_of_the_compose_specification(tmp_path: Path) -> None:
    checked = check_schema(tmp_path, compose(), *SCHEMA)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_schema_refuses_a_misspelt_key_of_a_service(tmp_path: Path) -> None:
    document = copy.deepcopy(compose())
    document["services"]["ray-head"]["enviroment"] = {}

    checked = check_schema(tmp_path, document, *SCHEMA)

    assert checked.returncode != 0
    assert "enviroment" in checked.stdout


def test_ports_are_published_on_loopback_alone() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]

    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_services_use_secrets_networks_and_volumes_that_are_declared() -> None:
    document = compose()
    for name, service in document["services"].items():
        assert set(service.get("secrets", [])) <= set(document["secrets"]), name
        assert set(service["networks"]) <= set(document["networks"]), name
        assert set(service.get("depends_on", [])) <= set(document["services"]), name
        volumes = {volume.split(":")[0] for volume in service.get("volumes", []) if ":" in volume}
        assert volumes <= set(document["volumes"]), name


def test_jobs_do_not_share_a_network_with_the_database() -> None:
    services = compose()["services"]

    assert not set(services["ray-node"]["networks"]) & set(services["database"]["networks"])


def test_every_process_of_ray_asks_for_the_token() -> None:
    services = [
        each for name, each in compose()["services"].items() if "ray-token" in each.get("secrets", [])
    ]

    assert len(services) == 4
    for service in services:
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert service["environment"]["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray-token"


def test_image_is_built_from_the_dockerfile_under_the_present_version() -> None:
    service = compose()["services"]["scheduler-1"]
    context = (COMPOSE_FILE.parent / service["build"]["context"]).resolve()

    assert (context / service["build"]["dockerfile"]).is_file()
    assert service["image"] == f"elasticjob-cloud:{__version__}"


def test_page_makes_the_secrets_that_the_file_names(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; on Debian: apt-get install openssl")
    (block,) = re.findall(
        r"^```sh\n(.*?)^```$", (COMPOSE_FILE.parent / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )

    subprocess.run(["bash", "-euc", block], cwd=tmp_path, check=True, timeout=30)

    for secret in compose()["secrets"].values():
        assert len((tmp_path / secret["file"]).read_text()) >= 64
    settings = read_settings_file(tmp_path / "secrets" / "scheduler.toml")
    assert set(settings) == {"database_url", "admin_password", "guest_password"}
    assert (tmp_path / "secrets" / "database-password").read_text() in settings["database_url"]


def test_jobs_run_as_another_user_than_schedulers_and_reach_no_secret_of_theirs() -> None:
    services = compose()["services"]
    jobs = services["ray-node"]

    dockerfile = (COMPOSE_FILE.parents[1] / "Dockerfile").read_text()
    assert f"\nUSER {jobs['user']}\n" not in dockerfile
    assert f"--uid {jobs['user'].partition(':')[0]} " in dockerfile
    assert "user" not in services["scheduler-1"]
    assert jobs["secrets"] == ["ray-token"]
    folder = services["scheduler-1"]["environment"]["ELASTICJOB_AGENT_DIR"]
    assert folder.startswith(f"{jobs['volumes'][0]}/")

"""The manifests in examples/deploy/kubernetes keep the schemas, and say no secret. None of them runs here."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from elasticjob_cloud import __version__
from tests.checkout import ROOT
from tests.integration.deploy.deploy_files import (
    KUBERNETES,
    RAY_CLUSTER_SCHEMA,
    check_kubernetes,
    check_schema,
    containers,
    kubernetes_objects,
    object_of,
    pod_templates,
)

pytestmark = pytest.mark.slow

OLDEST, NEWEST = "1.30", "1.37"
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|DATABASE_URL")


def pods() -> list[dict[str, Any]]:
    """Give each pod template as a pod of its own: the schema of a RayCluster does not look into them."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": name.replace(" ", "-")},
            "spec": template["spec"],
        }
        for name, template in pod_templates().items()
    ]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_objects_and_pods_keep_the_schema_of_kubernetes(version: str, tmp_path: Path) -> None:
    objects = [each for each in kubernetes_objects() if each["kind"] != "RayCluster"]

    checked = check_kubernetes(tmp_path, *objects, *pods(), version=version)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(" passed ") == len(objects) + len(pods())


def test_schema_of_kubernetes_refuses_a_misspelt_field_of_a_pod(tmp_path: Path) -> None:
    pod = copy.deepcopy(pods()[0])
    pod["spec"]["containers"][0]["enviroment"] = []

    checked = check_kubernetes(tmp_path, pod, version=NEWEST)

    assert checked.returncode != 0
    assert "enviroment" in checked.stdout + checked.stderr


def test_ray_cluster_keeps_the_reduced_schema(tmp_path: Path) -> None:
    checked = check_schema(tmp_path, object_of("RayCluster"), "--schemafile", str(RAY_CLUSTER_SCHEMA))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_reduced_schema_refuses_a_misspelt_field_of_a_group(tmp_path: Path) -> None:
    cluster = copy.deepcopy(object_of("RayCluster"))
    cluster["spec"]["workerGroupSpecs"][0]["maxReplica"] = 3

    checked = check_schema(tmp_path, cluster, "--schemafile", str(RAY_CLUSTER_SCHEMA))

    assert checked.returncode != 0
    assert "maxReplica" in checked.stdout


def test_ray_start_parameters_are_texts_without_dashes() -> None:
    spec = object_of("RayCluster")["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        assert all(not name.startswith("-") for name in group["rayStartParams"])


def test_secrets_are_named_and_never_written_down() -> None:
    assert not [each for each in kubernetes_objects() if each["kind"] == "Secret"]
    secret = [
        variable for each in containers() for variable in each["env"] if SECRET.search(variable["name"])
    ]
    assert len(secret) >= 5
    for variable in secret:
        assert "secretKeyRef" in variable["valueFrom"], variable


def test_page_says_how_to_make_each_secret_that_is_named() -> None:
    page = (KUBERNETES / "README.md").read_text()
    named = set(re.findall(r"create secret generic ([\w-]+)", page))

    used = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for each in containers()
        for variable in each["env"]
        if "secretKeyRef" in variable.get("valueFrom", {})
    }

    # KubeRay makes the one of the cluster's own name.
    assert used - {object_of("RayCluster")["metadata"]["name"]} == named


def test_no_pod_is_told_of_services_by_variables_that_look_like_settings() -> None:
    for name, template in pod_templates().items():
        assert template["spec"]["enableServiceLinks"] is False, name


def test_no_pod_runs_as_root_or_gains_privileges() -> None:
    for name, template in pod_templates().items():
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True, name
    for container in containers():
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_pod_is_among_those_that_the_network_policy_lets_talk() -> None:
    for name, template in pod_templates().items():
        assert template["metadata"]["labels"]["app.kubernetes.io/part-of"] == "elasticjob", name


def test_services_budgets_and_sets_select_pods_that_exist() -> None:
    labels = [template["metadata"]["labels"] for template in pod_templates().values()]
    for each in kubernetes_objects():
        spec = each["spec"]
        selector = spec.get("selector") or spec.get("podSelector")
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= of_pod.items() for of_pod in labels), each["metadata"]["name"]


def test_schedulers_and_nodes_have_one_image_with_the_pinned_ray() -> None:
    (pinned,) = re.findall(r"^ray==(\S+)", (ROOT / "constraints" / "ray.txt").read_text(), re.MULTILINE)
    ours = {each["image"] for each in containers() if "elasticjob-cloud" in each["image"]}

    assert object_of("RayCluster")["spec"]["rayVersion"] == pinned
    assert ours == {f"registry.example.com/elasticjob-cloud:{__version__}"}


def test_kustomizations_list_every_file_beside_them() -> None:
    for kustomization in KUBERNETES.rglob("kustomization.yaml"):
        resources = set(yaml.safe_load(kustomization.read_text())["resources"])
        beside = {path.name for path in kustomization.parent.glob("*.yaml")} - {"kustomization.yaml"}

        assert {each for each in resources if each.endswith(".yaml")} == beside
        assert all((kustomization.parent / each).exists() for each in resources)


def test_jobs_run_as_another_user_than_schedulers() -> None:
    users = {
        name: template["spec"]["securityContext"]["runAsUser"]
        for name, template in pod_templates().items()
        if name.endswith((" workers", "scheduler"))
    }

    assert len(users) == 2
    assert len(set(users.values())) == 2

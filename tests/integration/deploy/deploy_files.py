"""Reads examples/deploy, and runs the checkers of its schemas as commands."""

import copy
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import ROOT

DEPLOY = ROOT / "examples" / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SYSTEMD = DEPLOY / "systemd"
COMPOSE_FILE = DEPLOY / "compose" / "compose.yaml"
RAY_CLUSTER_SCHEMA = ROOT / "tests" / "data" / "kuberay" / "raycluster.schema.json"


def kubernetes_objects() -> list[dict[str, Any]]:
    """Give all objects of the manifests; kustomizations are none."""
    files = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")
    return [document for file in files for document in _documents(file)]


def _documents(file: Path) -> list[dict[str, Any]]:
    """Read a file of YAML: once, for that takes a tenth of a second; whoever asks gets copies to change at will."""
    return copy.deepcopy(_read_documents(file))


@functools.cache
def _read_documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


def object_of(kind: str) -> dict[str, Any]:
    """Give the only object of a kind."""
    (found,) = (each for each in kubernetes_objects() if each["kind"] == kind)
    return found


def pod_templates() -> dict[str, dict[str, Any]]:
    """Give every pod template, those in the RayCluster included, by a name that tells where it is."""
    templates = {}
    for each in kubernetes_objects():
        name, spec = each["metadata"]["name"], each["spec"]
        if each["kind"] == "RayCluster":
            templates[f"{name} head"] = spec["headGroupSpec"]["template"]
            templates |= {
                f"{name} {group['groupName']}": group["template"] for group in spec["workerGroupSpecs"]
            }
        elif "template" in spec:
            templates[name] = spec["template"]
    return templates


def containers() -> Iterator[dict[str, Any]]:
    """Give every container of every pod template."""
    for template in pod_templates().values():
        yield from template["spec"]["containers"]


def compose() -> dict[str, Any]:
    """Give the Compose file, its merges resolved."""
    (document,) = _documents(COMPOSE_FILE)
    return document


def environment_file(name: str) -> dict[str, str]:
    """Give the variables of an environment file of systemd."""
    lines = (SYSTEMD / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def unit(name: str) -> dict[str, list[str]]:
    """Give a unit's settings: key to its values, in order; continued lines are joined."""
    text = re.sub(r"\\\n\s*", "", (SYSTEMD / name).read_text())
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            settings.setdefault(key, []).append(value)
    return settings


def check_kubernetes(
    folder: Path, *objects: Mapping[str, Any], version: str
) -> subprocess.CompletedProcess[str]:
    """Validate objects against Kubernetes' own schemas, which know no other fields than those."""
    file = folder / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    return _run("-m", "kubernetes_validate", "--kubernetes-version", version, "--strict", str(file))


def check_schema(folder: Path, document: Mapping[str, Any], *schema: str) -> subprocess.CompletedProcess[str]:
    """Validate a document with check-jsonschema; `schema` are its options."""
    file = folder / "document.json"
    file.write_text(json.dumps(document))
    return _run("-m", "check_jsonschema", *schema, str(file))


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=50, check=False)

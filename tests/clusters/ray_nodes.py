"""A real Ray cluster on loopback for tests, in a process of its own: its environment and its warnings stay there.

    with RayCluster.started() as cluster:
        node = cluster.add_node(cpus=2, memory_mb=2048)
        ... os.environ | cluster.environment, cluster.address ...

Ray is an extra: without it tests skip, and `make setup-ray` says how to get it.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

MISSING = "Ray is not installed; get it with: make setup-ray"
_OBJECT_STORE_BYTES = 80_000_000
_STOP_SECONDS = 20.0
_TOLD_OF_LOG = 4000


def has_ray() -> bool:
    """Whether Ray is installed here."""
    return find_spec("ray") is not None


@dataclass(frozen=True)
class RayNode:
    """One node: its id in Ray, and the process of its raylet."""

    node_id: str
    raylet_pid: int


class RayCluster:
    """A head without resources, and nodes that are added and removed. Nothing listens beyond loopback."""

    def __init__(
        self, directory: Path, port: int = 0, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        token = directory / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.environment = {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else its ports are open to all interfaces
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_TMPDIR": str(directory),  # else the head's address goes to /tmp/ray, if that is there
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_memory_monitor_refresh_ms": "0",  # it would kill relays where other tests take the memory
            "RAY_health_check_initial_delay_ms": "1000",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_timeout_ms": "1500",
            "RAY_health_check_failure_threshold": "3",
            **environment,
        }
        self._log = directory / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(directory), str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        try:
            self.address = str(self._answer()["address"])
        except RuntimeError:
            self.stop()  # else a test of somebody else's would be blamed for the process that nobody waited for
            raise

    @classmethod
    @contextlib.contextmanager
    def started(cls, port: int = 0, environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Self]:
        """Give a cluster that is gone at the end; `port`: its head's, any by default; `environment`: more of it."""
        # Ray's sockets lie deep below it, and their paths have room for 107 bytes.
        with tempfile.TemporaryDirectory(prefix="ejr-", dir="/tmp", ignore_cleanup_errors=True) as directory:
            cluster = cls(Path(directory), port, environment)
            try:
                yield cluster
            finally:
                cluster.stop()

    def add_node(self, cpus: float = 2, memory_mb: int = 2048) -> RayNode:
        """Start a node, and wait until it is there."""
        answer = self._ask("add", cpus=cpus, memory=memory_mb << 20)
        return RayNode(str(answer["node_id"]), int(answer["raylet_pid"]))

    def remove_node(self, node: RayNode) -> None:
        """End a node's processes."""
        self._ask("remove", node_id=node.node_id)

    def drain_node(self, node: RayNode, deadline_seconds: int | None = None) -> None:
        """Have Ray drain a node, as its autoscaler does before a machine is taken away; it goes by itself once it is idle."""
        deadline = [] if deadline_seconds is None else [f"--deadline-remaining-seconds={deadline_seconds}"]
        reason = ["--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=the test wants it"]
        subprocess.run(
            [
                str(Path(sys.executable).with_name("ray")),
                "drain-node",
                f"--address={self.address}",
                f"--node-id={node.node_id}",
                *reason,
                *deadline,
            ],
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
        )

    def kill_head(self) -> None:
        """End the head's own process as by `kill -9`: Ray's memory of it all."""
        for child in _children(self._process.pid):
            if b"gcs_server" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
                os.kill(child, signal.SIGKILL)
                return
        raise RuntimeError("The head has no process.")

    def kill_heads_raylet(self) -> None:
        """End the raylet beside the head as by `kill -9`, where drivers are at home; return when the head knows."""
        self._ask("kill head's raylet")

    def stop(self) -> None:
        """End all of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, command: str, **arguments: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError(f"The Ray cluster has ended. Its log:\n{self._log.read_text()[-_TOLD_OF_LOG:]}")


def _children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def _serve(directory: str, port: str) -> None:
    from ray.cluster_utils import Cluster

    common = {
        "object_store_memory": _OBJECT_STORE_BYTES,
        "include_dashboard": False,
        "temp_dir": f"{directory}/ray",
    }
    head = {"num_cpus": 0, **common, **({"gcs_server_port": int(port)} if port != "0" else {})}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes: dict[str, Any] = {}
    print(json.dumps({"address": cluster.address}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "add":
            arguments = {key: value for key, value in common.items() if key != "include_dashboard"}
            node = cluster.add_node(num_cpus=request["cpus"], memory=request["memory"], **arguments)
            nodes[node.node_id] = node
            raylet = node.all_processes["raylet"][0].process.pid
            print(json.dumps({"node_id": node.node_id, "raylet_pid": raylet}), flush=True)
        elif request["command"] == "kill head's raylet":
            living = len(_living(cluster))
            cluster.head_node.kill_raylet()
            while len(_living(cluster)) == living:
                time.sleep(0.05)
            print("{}", flush=True)
        else:
            cluster.remove_node(nodes.pop(request["node_id"]))
            print("{}", flush=True)
    cluster.shutdown()
    shutil.rmtree(f"{directory}/ray", ignore_errors=True)


def _living(cluster: Any) -> list[dict[str, Any]]:
    return [node for node in cluster.global_state.node_table() if node["Alive"]]


if __name__ == "__main__":
    _serve(*sys.argv[1:])

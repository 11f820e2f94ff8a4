"""Another user of a Ray cluster in tests: looks at it, and takes room of it; in a process of its own.

with RayDriver.joined(cluster, namespace) as driver:
    driver.free_cpus()
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from tests.clusters.ray_nodes import RayCluster

_END_SECONDS = 10.0
_PROGRAM = "import sys, tests.clusters.ray_driver as driver; driver.serve(*sys.argv[1:])"


class RayDriver:
    """Speaks with its process in lines of JSON."""

    def __init__(self, address: str, namespace: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            # Not as a program: Ray looks for what a driver brings under the name of its module.
            [sys.executable, "-c", _PROGRAM, address, namespace],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        self._ask("hello")

    @classmethod
    @contextlib.contextmanager
    def joined(cls, cluster: RayCluster, namespace: str) -> Iterator[Self]:
        """Give a driver that leaves at the end."""
        driver = cls(cluster.address, namespace, cluster.environment)
        try:
            yield driver
        finally:
            driver.close()

    def free_cpus(self) -> float:
        """Tell how many CPUs of all nodes nobody has."""
        return float(self._ask("free"))

    def groups(self) -> dict[str, str]:
        """Give the namespace's placement groups, by name: their states."""
        return dict(self._ask("groups"))

    def take(self, cpus: float) -> None:
        """Have that much of a node, as any other user of Ray has."""
        self._ask("take", cpus=cpus)

    def give_back(self) -> None:
        """Have nothing any more."""
        self._ask("give-back")

    def demand(self) -> list[dict[str, float]]:
        """Give the bundles that Ray's autoscaler is asked for and that are not there."""
        return list(self._ask("demand"))

    def idle_ms(self, node_id: str) -> int:
        """Tell for how long a node is idle to Ray's autoscaler; 0 while it is busy."""
        return int(self._ask("idle-ms", node_id=node_id))

    def tasks(self, name: str) -> int:
        """Tell how many calls whose name has this part Ray's head remembers, once it remembers a new one of this driver."""
        return int(self._ask("tasks", name=name))

    def actor_classes(self) -> int:
        """Tell of how many classes of actors Ray's head keeps the code."""
        return int(self._ask("actor-classes"))

    def kill_actors(self) -> None:
        """Kill the namespace's actors by hand; Ray starts them again."""
        self._ask("kill-actors")

    def clean(self) -> None:
        """Remove what is the namespace's: relays and leases."""
        self._ask("clean")

    def close(self) -> None:
        """Leave."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, question: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"question": question, **arguments}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)["answer"]
        raise RuntimeError("The Ray driver of the tests has ended.")


class _Answers:
    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._taken: list[Any] = []

    def hello(self) -> None:
        """Nothing to tell."""

    def free(self) -> float:
        import ray

        return float(ray.available_resources().get("CPU", 0.0))

    def groups(self) -> dict[str, str]:
        from ray.util import placement_group_table

        rows = placement_group_table().values()
        return {
            row["name"]: row["state"]
            for row in rows
            if row["name"].startswith(self._namespace + "/") and row["state"] != "REMOVED"
        }

    def take(self, cpus: float) -> None:
        from ray.util.placement_group import placement_group

        group = placement_group([{"CPU": cpus}])
        assert group.wait(10)
        self._taken.append(group)

    def give_back(self) -> None:
        from ray.util.placement_group import remove_placement_group

        while self._taken:
            remove_placement_group(self._taken.pop())

    def demand(self) -> list[dict[str, float]]:
        pending = self._cluster_state().pending_gang_resource_requests
        return [
            dict(bundle.resources_bundle)
            for gang in pending
            for selection in gang.bundle_selectors
            for bundle in selection.resource_requests
        ]

    def idle_ms(self, node_id: str) -> int:
        from ray.core.generated import autoscaler_pb2

        (node,) = (it for it in self._cluster_state().node_states if it.node_id.hex() == node_id)
        return int(node.idle_duration_ms) if node.status == autoscaler_pb2.IDLE else 0

    def _cluster_state(self) -> Any:
        """What Ray's autoscaler goes by."""
        import ray
        from ray.core.generated import autoscaler_pb2

        gcs = ray._private.worker.global_worker.gcs_client
        reply = autoscaler_pb2.GetClusterResourceStateReply()
        reply.ParseFromString(gcs.get_cluster_resource_state())
        return reply.cluster_resource_state

    def tasks(self, name: str) -> int:
        import ray

        mark = f"mark-{time.monotonic_ns()}"
        ray.get(ray.remote(num_cpus=0)(lambda: None).options(name=mark).remote())
        while True:
            names = [str(event.get("cat")) for event in ray.timeline()]
            if any(mark in it for it in names):
                return sum(name in it for it in names)
            time.sleep(0.1)  # the poll of another process

    def actor_classes(self) -> int:
        import ray

        return len(ray._private.worker.global_worker.gcs_client.internal_kv_keys(b"ActorClass", b"fun"))

    def kill_actors(self) -> None:
        import ray
        from ray.util import list_named_actors

        for name in list_named_actors():
            ray.kill(ray.get_actor(name), no_restart=False)

    def clean(self) -> None:
        import ray
        from ray.util import get_placement_group, list_named_actors
        from ray.util.placement_group import remove_placement_group

        for name in list_named_actors():
            with contextlib.suppress(ValueError):
                ray.kill(ray.get_actor(name), no_restart=True)
        for name in self.groups():
            with contextlib.suppress(ValueError):
                remove_placement_group(get_placement_group(name))


def serve(address: str, namespace: str) -> None:
    """Answer what is asked on standard input."""
    import ray
    from ray.job_config import JobConfig

    # As a gateway does: whoever gets hold of an actor loads its class.
    ours = JobConfig(code_search_path=[os.devnull])
    ray.init(address=address, namespace=namespace, log_to_driver=False, job_config=ours)
    answers = _Answers(namespace)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(answers, request.pop("question").replace("-", "_"))(**request)
        print(json.dumps({"answer": answer}), flush=True)

"""A node that Ray drains, under a whole cluster: nothing new goes there, and what ran there goes on elsewhere in time."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.local import Cluster
from tests.clusters.ray_nodes import MISSING, has_ray
from tests.processes import is_alive
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not has_ray(), reason=MISSING),
    pytest.mark.timeout(280),
]
RUNS = 30
DEADLINE_SECONDS = 40
WAIT_SECONDS = 120.0


def job(name: str, command: str, shards: int) -> dict[str, Any]:
    return {
        "jobName": name,
        "appName": "app",
        "jobExecutionType": "TRANSIENT",
        "shardingTotalCount": shards,
        "cpuCount": 0.5,
        "memoryMB": 64,
        "failover": True,
        "misfire": True,
        "props": {"script.command.line": command},
    }


def traces(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = cluster.call(
        "GET", f"/job/events/statusTraces?per_page=1000&jobName={name}"
    )["rows"]
    return sorted(rows, key=lambda row: int(row["id"]))


def started(cluster: Cluster, name: str) -> dict[str, str]:
    """Give the agents of the tasks that have run, by task."""
    return {row["taskId"]: row["slaveId"] for row in traces(cluster, name) if row["state"] == "TASK_RUNNING"}


def test_nothing_is_placed_on_a_drained_node_and_its_shards_run_elsewhere_before_it_goes(
    tmp_path: Path,
) -> None:
    app = tmp_path / "app.sh"
    app.write_text("#!/bin/sh\n")
    with Cluster(ports=(0,), node_count=2) as cluster:
        cluster.call("POST", "/app", {"appName": "app", "appURL": app.as_uri(), "bootstrapScript": "none"})
        for body in (job("long", "sleep 500; true", 2), job("short", "true", 1)):
            cluster.call("POST", "/job/register", body)
        cluster.call("POST", "/job/trigger", "long")
        wait_for(lambda: len(started(cluster, "long")) == 2, "both shards run", WAIT_SECONDS)
        assert len(set(started(cluster, "long").values())) == 2, "each on a node of its own"
        drained = next(id_ for id_ in started(cluster, "long").values() if cluster.node_of(id_) == 1)

        drained_at = time.monotonic()
        cluster.drain(cluster.nodes[0], DEADLINE_SECONDS)
        wait_for(lambda: drained in draining(cluster), "the agent drains", WAIT_SECONDS)
        for _ in range(RUNS):
            cluster.call("POST", "/job/trigger", "short")
        wait_for(lambda: len(started(cluster, "short")) == RUNS, "all have run", WAIT_SECONDS)
        assert drained not in started(cluster, "short").values()

        wait_for(lambda: len(started(cluster, "long")) == 3, "its shard runs elsewhere", WAIT_SECONDS)
        print(f"elsewhere after {time.monotonic() - drained_at:.1f} s of {DEADLINE_SECONDS}")
        (lost,) = (row for row in traces(cluster, "long") if row["state"] == "TASK_LOST")
        assert lost["slaveId"] == drained
        assert "Ray takes its node away" in lost["message"]
        assert drained not in draining(cluster)
        wait_for(lambda: not is_alive(cluster.nodes[0].raylet_pid), "Ray ends the node", WAIT_SECONDS)


def draining(cluster: Cluster) -> list[str]:
    return [agent["id"] for agent in cluster.call("GET", "/operate/agents") if agent["draining"]]

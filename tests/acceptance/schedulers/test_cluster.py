"""The cluster of `make cluster`: jobs run on several nodes, the leader is killed, and in the end nothing is left of it."""

import asyncio
import io
import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from elasticjob_cloud.demo import Demo
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from tests.checkout import ROOT
from tests.clusters.local import Cluster, ClusterError
from tests.clusters.ray_nodes import MISSING, has_ray
from tests.http_client import http_get
from tests.waiting import wait_for

SCRIPT = ROOT / "scripts" / "cluster.py"
START_SECONDS = 150.0
pytestmark = [
    pytest.mark.skipif(not has_ray(), reason=MISSING),
    pytest.mark.timeout(280),
]


def publish_demo(cluster: Cluster, data_dir: Path) -> None:
    settings = SchedulerSettings(no_auth=True, data_dir=data_dir)
    demo = Demo(settings, io.StringIO())
    demo.use(cluster.schedulers[0].url)
    asyncio.run(demo.begin())


def finished(cluster: Cluster) -> list[dict[str, Any]]:
    query = "per_page=1000&state=TASK_FINISHED"
    rows: list[dict[str, Any]] = cluster.call("GET", f"/job/events/statusTraces?{query}")["rows"]
    return rows


def jobs_at(url: str) -> set[str]:
    answer = http_get(f"{url}/api/job/jobs", timeout=20)
    return {job["jobName"] for job in answer.raise_for_status().json()}


def runs(process: psutil.Process) -> bool:
    """Tell whether a process has not ended. Who inherited it may not have reaped it yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_of(directory: str) -> list[psutil.Process]:
    """Give all processes that name the cluster's directory in their command or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(directory in word for word in words):
            found.append(process)
    return found


def open_addresses(processes: Iterable[psutil.Process]) -> set[str]:
    """Give the addresses beyond loopback that they listen on."""
    addresses = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            listening = (each for each in process.net_connections("inet") if each.status == "LISTEN")
            addresses |= {each.laddr.ip for each in listening}
    return {each for each in addresses if not is_loopback(each)}


def is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


@contextmanager
def show(log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `make cluster`'s program beside the test; what it prints goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", str(SCRIPT), *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.long
def test_jobs_run_on_several_nodes_and_go_on_under_another_leader(tmp_path: Path) -> None:
    with Cluster() as cluster:
        publish_demo(cluster, tmp_path)
        wait_for(
            lambda: len({row["slaveId"] for row in finished(cluster)}) >= 2, "shards end on two nodes", 60
        )
        nodes = {cluster.node_of(row["slaveId"]) for row in finished(cluster)}
        first = cluster.leader()
        assert first is not None
        count = len(finished(cluster))

        first.kill()
        second = wait_for(cluster.leader, "the other scheduler leads", 30)
        assert second is not None
        wait_for(lambda: len(finished(cluster)) >= count + 5, "shards end under it", 60)
        first.start()
        wait_for(first.answers, "the killed one answers again", 60)

        assert nodes <= {1, 2, 3}
        assert second is not first
        assert jobs_at(first.url) == jobs_at(second.url) == {"demo-script", "demo-python", "demo-upload"}
        assert cluster.leader() is second
        directory = str(cluster.directory)
        processes = [*psutil.Process().children(recursive=True), *processes_of(directory)]
        assert len(processes) > 20
        assert open_addresses(processes) == set()
    assert processes_of(directory) == []
    assert not Path(directory).exists()


@pytest.mark.long
def test_start_that_fails_half_way_says_why_and_leaves_nothing() -> None:
    cluster = Cluster(node_count=1, settings={"lease_seconds": "0"})

    with pytest.raises(ClusterError, match="ELASTICJOB_LEASE_SECONDS"):
        cluster.start()

    assert processes_of(str(cluster.directory)) == []
    assert not cluster.directory.exists()


@pytest.mark.long
@pytest.mark.parametrize("moment", ["node 1 offers", "finished after"])
def test_ctrl_c_ends_all_of_it_also_when_pressed_twice(moment: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with show(log, "--ports", "0,0", "--nodes", "2", "--no-auth") as shown:
        wait_for(lambda: moment in log.read_text(), moment, START_SECONDS)
        below = psutil.Process(shown.pid).children(recursive=True)
        (directory,) = {
            word for process in below for word in re.findall(r"/tmp/ejc-\w+", " ".join(process.cmdline()))
        }
        assert len(processes_of(directory)) >= 4

        shown.send_signal(signal.SIGINT)
        shown.send_signal(signal.SIGINT)

        assert shown.wait(60) == 0, log.read_text()
    assert "nothing is left" in log.read_text()
    assert processes_of(directory) == []
    assert [process for process in below if runs(process)] == []
    assert not Path(directory).exists()


@pytest.mark.slow
def test_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with show(log, "--ports", f"0,{port}") as shown:
            assert shown.wait(30) == 1

    assert f"Port {port} cannot be had" in log.read_text()
    assert "PostgreSQL listens" not in log.read_text()

# ruff: noqa: INP001, T201 - a script: no package, and it prints
"""A cluster to try, on this machine: PostgreSQL, Ray with three nodes, two schedulers, and the demo's jobs.

    make cluster
    make cluster ARGS="--ports 9001,9002,9003 --no-auth"

It prints what starts and ends where, and who leads. Ctrl-C ends all of it, and removes its data.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import psutil

from elasticjob_cloud.demo import Demo
from elasticjob_cloud.model.records import StatusTrace
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from tests.clusters.local import Cluster, ClusterError, Scheduler

LOOK_SECONDS = 0.3
RESTART_SECONDS = 15.0
TRACES_AT_ONCE = 200
MOST_NODES = 50  # a raylet each: more starve on one machine


class Interrupted(BaseException):
    """Somebody pressed Ctrl-C, or asked in another way."""


class Ending:
    """Whether somebody asked for the end. The start is interrupted between its steps only, so that it leaves nothing."""

    def __init__(self) -> None:
        self.may_interrupt = False
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def go_on(self) -> None:
        """Raise `Interrupted` if somebody asked."""
        if self._asked:
            raise Interrupted

    def ignore(self) -> None:
        """Take no more notice: the end is under way."""
        self.may_interrupt = False

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if not self._asked:
            print("\nEnding the cluster.", flush=True)
        self._asked = True
        if self.may_interrupt:
            self.may_interrupt = False
            raise Interrupted


class Watch:
    """What is seen of the cluster while it runs."""

    def __init__(self, cluster: Cluster, demo: Demo) -> None:
        self._cluster = cluster
        self._demo = demo
        self._last_trace = 0
        self._leader: Scheduler | None = None
        self._led_at = time.monotonic()
        self._ended: dict[int, float] = {}
        self._lost_nodes: set[int] = set()

    def look(self) -> None:
        """Print what is new."""
        has_leader = self._look_at_leader()
        self._look_at_schedulers()
        self._look_at_nodes()
        # While nobody leads an answer would take long; the traces are there at a later look.
        if has_leader:
            with contextlib.suppress(httpx.HTTPError, ClusterError):
                self._look_at_traces()

    def _look_at_leader(self) -> bool:
        leader = self._cluster.leader()
        if leader is None:
            return False
        if leader is not self._leader:
            after = f", {time.monotonic() - self._led_at:.1f} s after the last one" if self._leader else ""
            self._demo.say(f"[bold]scheduler {leader.number} leads[/bold] (process {leader.pid}){after}")
            self._leader = leader
        self._led_at = time.monotonic()
        return True

    def _look_at_schedulers(self) -> None:
        now = time.monotonic()
        for scheduler in self._cluster.schedulers:
            if scheduler.is_running:
                continue
            if scheduler.number not in self._ended:
                self._ended[scheduler.number] = now
                again = f"it is started again in {RESTART_SECONDS:.0f} s"
                self._demo.say(f"[red]scheduler {scheduler.number} has ended[/red]; {again}")
            elif now - self._ended[scheduler.number] > RESTART_SECONDS:
                del self._ended[scheduler.number]
                scheduler.start()
                self._demo.say(f"scheduler {scheduler.number} is started again (process {scheduler.pid})")

    def _look_at_nodes(self) -> None:
        for number, node in enumerate(self._cluster.nodes, 1):
            if number not in self._lost_nodes and not _is_alive(node.raylet_pid):
                self._lost_nodes.add(number)
                self._demo.say(f"[red]node {number} is gone[/red]")

    def _look_at_traces(self) -> None:
        rows = self._cluster.call("GET", f"/job/events/statusTraces?per_page={TRACES_AT_ONCE}")["rows"]
        news = sorted(
            (row for row in rows if int(row["id"]) > self._last_trace), key=lambda row: int(row["id"])
        )
        for row in news:
            self._last_trace = int(row["id"])
            self._demo.show_trace(_trace(row))


def _trace(row: dict[str, Any]) -> StatusTrace:
    return StatusTrace(
        job_name=row["jobName"],
        original_task_id=row["originalTaskId"],
        task_id=row["taskId"],
        slave_id=row["slaveId"],
        source=row["source"],
        execution_type=row["executionType"],
        sharding_item=int(row["shardingItem"]),
        state=row["state"],
        message=row["message"],
        creation_ms=round(datetime.fromisoformat(row["creationTime"]).timestamp() * 1000),
    )


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is wrong with it ends the program with a message."""
    parser = argparse.ArgumentParser(
        prog='make cluster ARGS="..."', description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--ports", type=_ports, default="8899,8898", help="a port for each scheduler (8899,8898)"
    )
    parser.add_argument("--nodes", type=_node_count, default=3, help="how many nodes run jobs (3)")
    parser.add_argument("--no-auth", action="store_true", help="serve without log-in")
    return parser.parse_args(arguments)


def _ports(text: str) -> list[int]:
    parts = text.split(",")
    ports = [int(part) for part in parts if part.strip().isdecimal()]
    fixed = [port for port in ports if port]  # 0 takes a free one
    if len(ports) < len(parts) or len(set(fixed)) < len(fixed) or any(port > 65535 for port in fixed):
        raise argparse.ArgumentTypeError("takes different numbers up to 65535, such as 8899,8898")
    return ports


def _node_count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MOST_NODES}")
    return int(text)


def _advise(cluster: Cluster) -> None:
    leader = cluster.leader()
    print("\nEach scheduler answers every call: one that stands by passes it on to the one that leads.")
    for scheduler in cluster.schedulers:
        role = "leads" if scheduler is leader else "stands by"
        print(f"  {scheduler.url}/api  process {scheduler.pid}, {role}; curl {scheduler.url}/readyz")
    print("What to try, in another terminal:")
    if leader is not None:
        print(f"  kill -9 {leader.pid}   the leader; the other takes over")
        print(f"  kill -STOP {leader.pid}, later kill -CONT {leader.pid}: it finds that it leads no more")
    print(f"  kill -9 {cluster.nodes[0].raylet_pid}   node 1; its shards go elsewhere")
    print(f"Logs are in {cluster.directory}; Ctrl-C ends everything and removes them.\n", flush=True)


def _show(cluster: Cluster, no_auth: bool, ending: Ending) -> None:  # noqa: FBT001 - as the option says it
    data_dir = cluster.directory / "demo"
    data_dir.mkdir()
    settings = SchedulerSettings(no_auth=no_auth, data_dir=data_dir, port=cluster.schedulers[0].port)
    demo = Demo(settings, sys.stdout, lambda agent_id: f"node {cluster.node_of(agent_id) or '?'}")
    demo.use(cluster.schedulers[0].url, str(Path(sys.executable).with_name("elasticjob-cloud")))
    asyncio.run(demo.begin())
    if not no_auth:
        cluster.log_in(settings.admin_username, settings.admin_password.get_secret_value())
    watch = Watch(cluster, demo)
    while True:
        ending.go_on()
        watch.look()
        time.sleep(LOOK_SECONDS)


def main() -> int:
    """Run it until somebody asks for its end; give the exit code."""
    options = read_options()
    ending = Ending()
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {line}", flush=True)

    cluster = Cluster(
        ports=options.ports,
        node_count=options.nodes,
        auth=not options.no_auth,
        say=say,
        go_on=ending.go_on,
    )
    print("Starting PostgreSQL, Ray and the schedulers; this takes up to a minute.", flush=True)
    try:
        with cluster:
            try:
                _advise(cluster)
                ending.may_interrupt = True
                _show(cluster, options.no_auth, ending)
            finally:
                ending.ignore()
    except Interrupted:
        print("Everything has ended, and nothing is left of it.")
        return 0
    except ClusterError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

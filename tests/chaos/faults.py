"""The faults: each is done to the cluster for a while, and then undone. What has ended is started by its supervisor.

`inject` does it and gives what undoes it. Which host is hit is chosen by the dice, and told in `target`.
"""

import contextlib
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from tests.chaos.cluster import NODES, Cluster
from tests.chaos.hosts.hosts import Host, end_process
from tests.waiting import wait_for

Heal = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that is there now: where, and how to undo it."""

    target: str
    heal: Heal


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, and how long it lasts before it is undone."""

    name: str
    seconds: float
    inject: Callable[[Cluster, random.Random], Injected]


# The leader


def kill_leader(cluster: Cluster, dice: random.Random) -> Injected:
    name = cluster.leader()
    end_process(cluster.scheduler(name))
    return Injected(name, _nothing)


def freeze_leader(cluster: Cluster, dice: random.Random) -> Injected:
    name = cluster.leader()
    return _freeze(name, [cluster.scheduler(name)])


def stop_leader(cluster: Cluster, dice: random.Random) -> Injected:
    name = cluster.leader()
    cluster.scheduler(name).send_signal(signal.SIGTERM)
    return Injected(name, _nothing)


def crash_leader_host(cluster: Cluster, dice: random.Random) -> Injected:
    name = cluster.leader()
    cluster.host(name).crash()
    return Injected(name, lambda: cluster.boot(name))


def kill_gateway(cluster: Cluster, dice: random.Random) -> Injected:
    name = cluster.leader()
    end_process(_one(cluster.host(name), "elasticjob_cloud.engine.ray.gateway"))
    return Injected(name, _nothing)


# What runs on a node


def kill_agent(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    end_process(_agent_of(cluster.host(name)))
    return Injected(name, _nothing)


def freeze_agent(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    return _freeze(name, [_agent_of(cluster.host(name))])


def kill_executor(cluster: Cluster, dice: random.Random) -> Injected:
    name = dice.choice([name for name in NODES if _executors_of(cluster.host(name))] or list(NODES))
    for process in _executors_of(cluster.host(name)):
        end_process(process)
    return Injected(name, _nothing)


def freeze_executor(cluster: Cluster, dice: random.Random) -> Injected:
    name = dice.choice([name for name in NODES if _executors_of(cluster.host(name))] or list(NODES))
    return _freeze(name, _executors_of(cluster.host(name)))


def kill_relay(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    for process in cluster.host(name).find("ray::Relay"):
        end_process(process)
    return Injected(name, _nothing)


def freeze_relay(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    return _freeze(name, cluster.host(name).find("ray::Relay"))


def kill_raylet(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    end_process(_one(cluster.host(name), "raylet/raylet"))
    return Injected(name, _nothing)


def freeze_raylet(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    # Ray's head gives the node up meanwhile; its raylet ends when it hears of that.
    return _freeze(name, [_one(cluster.host(name), "raylet/raylet")])


def crash_node(cluster: Cluster, dice: random.Random) -> Injected:
    name = _busy_node(cluster, dice)
    cluster.host(name).crash()
    return Injected(name, lambda: cluster.boot(name))


def kill_head(cluster: Cluster, dice: random.Random) -> Injected:
    end_process(_one(cluster.host("head"), "gcs_server"))
    return Injected("head", _nothing)


# The database


def kill_database(cluster: Cluster, dice: random.Random) -> Injected:
    cluster.database.kill()
    return Injected("db", cluster.database.start)


def freeze_database(cluster: Cluster, dice: random.Random) -> Injected:
    cluster.database.freeze()
    return Injected("db", cluster.database.thaw)


def restart_database(cluster: Cluster, dice: random.Random) -> Injected:
    cluster.database.stop()
    return Injected("db", cluster.database.start)


# The network


def cut_leader(
    ways: Sequence[str], peers: Sequence[str] | None
) -> Callable[[Cluster, random.Random], Injected]:
    """Cut the leader's cable: all of it, or what goes to and comes from some hosts."""

    def inject(cluster: Cluster, dice: random.Random) -> Injected:
        name = cluster.leader()
        cable = cluster.host(name).cable
        cable.cut(ways, None if peers is None else [cluster.host(peer).address for peer in peers])
        return Injected(name, cable.heal)

    return inject


def cut_node(ways: Sequence[str]) -> Callable[[Cluster, random.Random], Injected]:
    def inject(cluster: Cluster, dice: random.Random) -> Injected:
        name = _busy_node(cluster, dice)
        cluster.host(name).cable.cut(ways)
        return Injected(name, cluster.host(name).cable.heal)

    return inject


def slow_leader(cluster: Cluster, dice: random.Random) -> Injected:
    return _slow(cluster, cluster.leader(), dice)


def slow_node(cluster: Cluster, dice: random.Random) -> Injected:
    return _slow(cluster, _busy_node(cluster, dice), dice)


def slow_database(cluster: Cluster, dice: random.Random) -> Injected:
    return _slow(cluster, "db", dice)


# Disks


def fill_leader_disk(cluster: Cluster, dice: random.Random) -> Injected:
    return _fill_disk(cluster, cluster.leader())


def fill_node_disk(cluster: Cluster, dice: random.Random) -> Injected:
    return _fill_disk(cluster, _busy_node(cluster, dice))


def fill_database_disk(cluster: Cluster, dice: random.Random) -> Injected:
    filled = _fill_disk(cluster, "db")

    def heal() -> None:
        filled.heal()
        cluster.revive_database()  # it ends itself when it cannot write its log of changes

    return Injected("db", heal)


_BOTH = ("in", "out")
FAULTS = (
    Fault("leader: kill -9", 5, kill_leader),
    Fault("leader: frozen for 20 s", 20, freeze_leader),
    Fault("leader: SIGTERM", 3, stop_leader),
    Fault("leader: its host crashes", 10, crash_leader_host),
    Fault("leader: its gateway to Ray, kill -9", 3, kill_gateway),
    Fault("agent: kill -9", 3, kill_agent),
    Fault("agent: frozen for 20 s", 20, freeze_agent),
    Fault("executor: kill -9", 3, kill_executor),
    Fault("executor: frozen for 20 s", 20, freeze_executor),
    Fault("relay: kill -9", 3, kill_relay),
    Fault("relay: frozen for 20 s", 20, freeze_relay),
    Fault("Ray node: raylet kill -9", 5, kill_raylet),
    Fault("Ray node: raylet frozen for 20 s", 20, freeze_raylet),
    Fault("Ray node: its host crashes", 10, crash_node),
    Fault("Ray head: kill -9", 3, kill_head),
    Fault("PostgreSQL: kill -9", 2, kill_database),
    Fault("PostgreSQL: frozen for 8 s", 8, freeze_database),
    Fault("PostgreSQL: clean restart", 0, restart_database),
    Fault("network: leader cut off from all", 20, cut_leader(_BOTH, None)),
    Fault("network: leader hears nothing", 20, cut_leader(("in",), None)),
    Fault("network: nobody hears the leader", 20, cut_leader(("out",), None)),
    Fault("network: leader cut off from the database", 20, cut_leader(_BOTH, ["db"])),
    Fault("network: leader hears nothing of the database", 20, cut_leader(("in",), ["db"])),
    Fault("network: the database hears nothing of the leader", 20, cut_leader(("out",), ["db"])),
    Fault("network: leader cut off from nodes and head", 20, cut_leader(_BOTH, ["head", *NODES])),
    Fault("network: node cut off from all", 25, cut_node(_BOTH)),
    Fault("network: node hears nothing", 25, cut_node(("in",))),
    Fault("network: nobody hears the node", 25, cut_node(("out",))),
    Fault("slow network: leader", 20, slow_leader),
    Fault("slow network: node", 20, slow_node),
    Fault("slow network: database", 20, slow_database),
    Fault("disk full: leader", 15, fill_leader_disk),
    Fault("disk full: node", 15, fill_node_disk),
    Fault("disk full: database", 10, fill_database_disk),
)


def _freeze(name: str, processes: Sequence[psutil.Process]) -> Injected:
    for process in processes:
        process.send_signal(signal.SIGSTOP)

    def heal() -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    return Injected(name, heal)


def _slow(cluster: Cluster, name: str, dice: random.Random) -> Injected:
    """100 to 200 ms there and back, 1 % lost, 16 Mbit/s."""
    cluster.host(name).cable.slow(delay_ms=dice.uniform(50, 100), loss=0.01, bytes_per_second=2_000_000)
    return Injected(name, cluster.host(name).cable.heal)


def _fill_disk(cluster: Cluster, name: str) -> Injected:
    ballast = cluster.host(name).disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
    return Injected(name, ballast.unlink)


def _busy_node(cluster: Cluster, dice: random.Random) -> str:
    """Choose a node where shards run, if there is one: there is something to be lost."""
    busy = [name for name in NODES if cluster.host(name).find("shard.py")]
    return dice.choice(busy or list(NODES))


def _agent_of(host: Host) -> psutil.Process:
    """Give the agent itself, not the process that lets go of it."""
    found = wait_for(lambda: host.find("-m elasticjob_cloud.agent"), f"an agent on {host.name}")
    pids = {process.pid for process in found}
    return next((process for process in found if process.ppid() in pids), found[0])


def _executors_of(host: Host) -> list[psutil.Process]:
    return host.find("-m elasticjob_cloud shard:beat")


def _one(host: Host, *words: str) -> psutil.Process:
    found = wait_for(lambda: host.find(*words), f"{' '.join(words)} on {host.name}")
    return found[0]


def _nothing() -> None:
    """It comes back by itself."""

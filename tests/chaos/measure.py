"""Measures fail-overs: how long after the leader is gone until another one starts a fire, and until its API answers.

As root, on Linux: `python -m tests.chaos.measure --rounds 20`. The figures of `docs/high-availability.md`.
The jobs of the fault tests run meanwhile, on the same machine as everything else.
"""

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from tests.chaos.cluster import SCHEDULERS, Cluster, Lead
from tests.chaos.hosts import isolation
from tests.chaos.hosts.hosts import Network, end_process
from tests.chaos.hosts.workplace import workplace
from tests.chaos.trial import Trial
from tests.waiting import wait_for

_LEASE_MS = 4_000  # the default of `lease_seconds`
_FROZEN_ON_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class FailOver:
    """One fail-over, in seconds from the fault: a new leader in the database, its first fire started, its API answers."""

    led: float
    fired: float
    answered: float


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    problem = isolation.missing()
    if problem:
        print(f"this cannot be measured here: {problem}", file=sys.stderr)
        return 2
    if not isolation.is_inside():
        return isolation.enter("tests.chaos.measure")
    problems: list[str] = []
    with (
        workplace() as directory,
        Network(directory) as network,
        Cluster(network) as cluster,
        Trial(cluster, 1, print) as trial,
    ):
        for name, fault in (("SIGTERM", _stop), ("kill -9", _kill), ("frozen (SIGSTOP)", _freeze)):
            _say_figures(name, [_fail_over(trial, fault) for _ in range(rounds)])
        problems = trial.end()
    print("\n".join(f"BROKEN {problem}" for problem in problems) or "No promise was broken.")
    return 1 if problems else 0


def _fail_over(trial: Trial, fault: Callable[[Cluster, str], Callable[[], None]]) -> FailOver:
    cluster = trial.cluster
    wait_for(cluster.is_whole, "the cluster is whole", 120)
    before = wait_for(cluster.lead, "a leader")
    other = next(name for name in SCHEDULERS if name != before.host)
    cluster.scheduler(other)  # it is there
    began_ms = time.time_ns() / 1e6
    undo = fault(cluster, before.host)
    led_ms = wait_for(lambda: _since_ms(cluster, before), "a new leader", 60)
    wait_for(lambda: cluster.is_serving(other), f"the API of {other}", 60)
    answered_ms = time.time_ns() / 1e6
    started = f"SELECT min(started_ms) FROM fire WHERE started_ms >= {led_ms}"
    fired_ms = wait_for(lambda: cluster.query(started)[0][0], "a fire", 60)
    undo()
    seconds = [(float(str(at_ms)) - began_ms) / 1000 for at_ms in (led_ms, fired_ms, answered_ms)]
    print(f"  {before.host}: " + ", ".join(f"{each:.2f} s" for each in seconds), flush=True)
    return FailOver(*seconds)


def _since_ms(cluster: Cluster, before: Lead) -> int:
    """Tell since when another leads by the database's clock, or 0."""
    rows = cluster.query(
        f"SELECT epoch, expires_ms FROM lease WHERE epoch > {before.epoch} AND scheduler_id <> ''"
    )
    return int(str(rows[0][1])) - _LEASE_MS if rows else 0


def _stop(cluster: Cluster, name: str) -> Callable[[], None]:
    cluster.scheduler(name).send_signal(signal.SIGTERM)
    return lambda: _wait_until_back(cluster, name)


def _kill(cluster: Cluster, name: str) -> Callable[[], None]:
    end_process(cluster.scheduler(name))
    return lambda: _wait_until_back(cluster, name)


def _freeze(cluster: Cluster, name: str) -> Callable[[], None]:
    process = cluster.scheduler(name)
    process.send_signal(signal.SIGSTOP)

    def thaw() -> None:
        time.sleep(_FROZEN_ON_SECONDS)  # the other leads for a while before this one wakes
        process.send_signal(signal.SIGCONT)
        _wait_until_back(cluster, name)

    return thaw


def _wait_until_back(cluster: Cluster, name: str) -> None:
    """Wait until a scheduler runs and answers again, so that it can take the lead next time."""
    wait_for(lambda: _stands_by(cluster, name), f"the API of {name}", 60)


def _stands_by(cluster: Cluster, name: str) -> bool:
    try:
        return cluster.scheduler(name).status() != psutil.STATUS_STOPPED and cluster.is_serving(name)
    except psutil.NoSuchProcess:
        return False


def _say_figures(name: str, measured: Sequence[FailOver]) -> None:
    figures = [[getattr(each, part) for each in measured] for part in ("led", "fired", "answered")]
    cells = [f"{statistics.median(part):.1f} / {max(part):.1f} s" for part in figures]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

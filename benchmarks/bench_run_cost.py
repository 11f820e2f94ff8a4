"""What runs cost the scheduler from their fire to their record: core and SQLite, in processor time, without agents.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_run_cost.py [--rounds 60]

Microseconds for each shard: of the turn in which runs are due (`due`) and of those in which they end (`end`), for the
core (`decide`) and for the commit. Processor time hardly depends on what else the machine does. So two versions can be
compared on a busy one: run this file in turn in a checkout of each.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from benchmarks.bench_core import START_MS, make_core
from elasticjob_cloud.model.messages import AgentEvents, Launch, TaskStatus
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Core, Decisions, Now
from elasticjob_cloud.store import SqlStore

_ENDS_A_TURN = 500  # shards that run and end in one turn
_WARM_ROUNDS = 3
T = TypeVar("T")


class Costs:
    """Runs all jobs of a core again and again, and adds up what that costs."""

    def __init__(self, core: Core, store: SqlStore) -> None:
        epoch = store.acquire_lease("benchmark", "http://127.0.0.1", 1e6)
        assert epoch is not None, "the database is new"
        self._core = core
        self._store = store
        self._epoch = epoch
        self._sequence = 0
        self.seconds: Counter[str] = Counter()

    def run_round(self, number: int) -> None:
        """Let all jobs be due, and all their shards run and end."""
        now = Now(START_MS + 60_000 * number, 60_000 * number)
        decisions = self._turn("due", [], now)
        started = [
            (agent_id, spec.task_id)
            for agent_id, commands in decisions.commands.items()
            for command in commands
            if isinstance(command, Launch)
            for spec in command.tasks
        ]
        later = Now(now.wall_ms + 10, now.monotonic_ms + 10)
        for first in range(0, len(started), _ENDS_A_TURN):
            statuses = [
                TaskStatus(task_id, state, later.wall_ms)
                for _, task_id in started[first : first + _ENDS_A_TURN]
                for state in (TaskState.RUNNING, TaskState.FINISHED)
            ]
            self._sequence += 1
            self._turn("end", [AgentEvents(started[first][0], self._sequence, tuple(statuses))], later)

    def _turn(self, name: str, events: list[AgentEvents], now: Now) -> Decisions:
        decisions = self._timed(f"{name}: decide", lambda: self._core.handle(events, now))
        assert self._timed(f"{name}: commit", lambda: self._store.commit(self._epoch, decisions.changes))
        return decisions

    def _timed(self, name: str, work: Callable[[], T]) -> T:
        started = time.process_time()
        result = work()
        self.seconds[name] += time.process_time() - started
        return result


@contextmanager
def fresh_store() -> Iterator[SqlStore]:
    """Give a store on a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(f"sqlite:///{folder}/cloud.db")
        store.migrate()
        try:
            yield store
        finally:
            store.close()


def measure(jobs: int, shards: int, rounds: int) -> None:
    """Print what a shard costs with so many jobs of so many shards due at once."""
    with fresh_store() as store:
        costs = Costs(make_core(jobs, shards, 1, script=False), store)
        for number in range(1, _WARM_ROUNDS + 1):
            costs.run_round(number)
        costs.seconds.clear()
        for number in range(_WARM_ROUNDS + 1, _WARM_ROUNDS + 1 + rounds):
            costs.run_round(number)
    of_shard = {name: seconds / (rounds * jobs * shards) * 1e6 for name, seconds in costs.seconds.items()}
    parts = ", ".join(f"{name} {cost:.1f}" for name, cost in of_shard.items())
    print(
        f"{jobs:>4} jobs of {shards:>4} due at once: {sum(of_shard.values()):7.1f} µs a shard ({parts})",
        flush=True,
    )


def main() -> None:
    """Measure small turns, usual ones, and one large run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    for jobs, shards, factor in ((1, 1, 10), (10, 1, 3), (100, 1, 1), (1, 1500, 0.2)):
        measure(jobs, shards, max(1, round(rounds * factor)))


if __name__ == "__main__":
    main()

"""Break a safeguard, and see that the simulation finds out (`make mutants`).

Each mutant takes away one thing that a promise rests on. One that survives all its seeds means that the simulation does
not check that promise, and fails the run.
"""

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from elasticjob_cloud.agent.fence import Fence
from elasticjob_cloud.scheduling import configuration, membership
from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.fleet import Fleet
from elasticjob_cloud.scheduling.idle import IdleAgents
from elasticjob_cloud.scheduling.state import State
from elasticjob_cloud.scheduling.turn import Decisions, Turn
from elasticjob_cloud.service.loop import SchedulingLoop
from tests.simulation.cluster_engine import ClusterEngine
from tests.simulation.cluster_scenarios import play_cluster
from tests.simulation.cluster_store import SharedDatabase
from tests.simulation.scenarios import play_wild

_finish_turn = SchedulingLoop._finish_turn


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is taken away, and the worlds that should notice."""

    name: str
    apply: Callable[[], AbstractContextManager[Any]]
    play: Callable[[int], object]


async def _launch_first(loop: SchedulingLoop, decisions: Decisions, events: list[Any]) -> None:
    for agent_id, commands in decisions.commands.items():
        loop._engine.send(agent_id, commands)
    await _finish_turn(loop, decisions, events)


def _nothing(*_: object, **__: object) -> None:
    return None


MUTANTS = (
    Mutant(
        "drop the epoch check", lambda: patch.object(SharedDatabase, "checks_epoch", new=False), play_cluster
    ),
    Mutant(
        "launch before commit",
        lambda: patch.object(SchedulingLoop, "_finish_turn", _launch_first),
        play_cluster,
    ),
    Mutant(
        "answer heartbeats without a lease",
        lambda: patch.object(ClusterEngine, "asks_for_lease", new=False),
        play_cluster,
    ),
    Mutant("forget fencing", lambda: patch.object(Fence, "is_over", lambda *_: False), play_cluster),
    Mutant(
        "forget the fences of other settings",
        lambda: patch.object(SharedDatabase, "remembers_lost", new=False),
        play_cluster,
    ),
    Mutant(
        "let go of agents with tasks",
        lambda: patch.object(IdleAgents, "end", _nothing),
        play_cluster,
    ),
    Mutant("place on draining agents", lambda: patch.object(Fleet, "drain", _nothing), play_wild),
    Mutant("let runs overlap", lambda: patch.object(State, "is_busy", lambda *_: False), play_wild),
    Mutant("forget what was evaluated", lambda: patch.object(Turn, "put_schedule", _nothing), play_wild),
    Mutant("believe agents blindly", lambda: patch.object(membership, "_settle", _nothing), play_wild),
    Mutant(
        "keep the fires of disabled jobs",
        lambda: patch.object(configuration, "drop_waiting", _nothing),
        play_wild,
    ),
    Mutant(
        "let tasks of disabled jobs run", lambda: patch.object(configuration, "stop_run", _nothing), play_wild
    ),
    Mutant("give no room back", lambda: patch.object(AgentState, "remove_task", _nothing), play_wild),
    Mutant("drop fires silently", lambda: patch.object(Turn, "drop_fire", _nothing), play_wild),
)


def how_caught(mutant: Mutant, seeds: int) -> str | None:
    """Say in which world a mutant was noticed, and by what; None where it survived them all."""
    with mutant.apply():
        for seed in range(seeds):
            try:
                mutant.play(seed)
            except Exception as error:
                return f"seed {seed}: {type(error).__name__}: {str(error)[:90]}"
    return None


def main() -> int:
    """Try all mutants; 0 when each is caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=60, help="how many worlds each mutant may survive (60)")
    options = parser.parse_args()
    logging.disable()
    survivors = 0
    for mutant in MUTANTS:
        started = time.perf_counter()
        with contextlib.redirect_stderr(sys.stdout):
            how = how_caught(mutant, options.seeds)
        survivors += how is None
        print(
            f"{mutant.name:<34} {'SURVIVES' if how is None else 'caught'}  {how or ''}  ({time.perf_counter() - started:.1f} s)",
            flush=True,
        )
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} mutants caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

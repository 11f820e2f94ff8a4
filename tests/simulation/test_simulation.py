"""The promises hold in seeded worlds (`make simulate SEEDS=1000` plays more of them)."""

from collections.abc import Callable

import pytest
from _pytest.mark import ParameterSet

from tests.simulation.cluster.scenarios import play_cluster
from tests.simulation.mutants import MUTANTS, Mutant, how_caught
from tests.simulation.scenarios import WORLDS, play_calm_days, play_slow_machine, play_wild, play_wrong_clocks
from tests.simulation.world import World

_SEEDS_A_TEST = 10
_SEEDS_OF_COSTLY_WORLDS: dict[Callable[[int], World], int] = {play_slow_machine: 3, play_wrong_clocks: 5}
_CLUSTERS_A_TEST = 2


def _batches(short: int, all_of_them: int) -> list[ParameterSet]:
    """Give the numbers of batches of seeds: the first few for every commit, the others with the long tests."""
    return [pytest.param(it, marks=() if it < short else pytest.mark.long) for it in range(all_of_them)]


@pytest.mark.parametrize("play", WORLDS)
@pytest.mark.parametrize("batch", _batches(1, 20))
def test_promises_hold_for_one_scheduler(play: Callable[[int], World], batch: int) -> None:
    seeds = _SEEDS_OF_COSTLY_WORLDS.get(play, _SEEDS_A_TEST)
    for seed in range(batch * seeds, (batch + 1) * seeds):
        try:
            play(seed)
        except Exception as error:
            error.add_note(
                f"seed {seed}: PYTHONPATH=. python tests/simulation/run.py --first {seed} --seeds 1"
            )
            raise


@pytest.mark.parametrize("batch", _batches(1, 8))
def test_promises_hold_while_schedulers_machines_and_networks_fail(batch: int) -> None:
    for seed in range(batch * _CLUSTERS_A_TEST, (batch + 1) * _CLUSTERS_A_TEST):
        try:
            play_cluster(seed)
        except Exception as error:
            error.add_note(
                f"seed {seed}: PYTHONPATH=. python tests/simulation/run.py --first {seed} --seeds 1"
            )
            raise


def test_world_repeats_itself_exactly() -> None:
    assert play_cluster(3).history == play_cluster(3).history
    assert play_wild(3).history == play_wild(3).history


@pytest.mark.long
def test_promises_hold_over_days_of_a_thousand_jobs() -> None:
    world = play_calm_days(7, jobs=1_000, days=2)

    assert len(world.store.fires) > 20_000
    assert len(world.store.executions) > 20_000


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_simulation_notices_a_safeguard_that_is_taken_away(mutant: Mutant) -> None:
    assert how_caught(mutant, seeds=60) is not None

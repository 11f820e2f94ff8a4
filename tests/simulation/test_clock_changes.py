"""Promises 1, 2 and 10 in the night in which clocks go back."""

import pytest

from elasticjob_cloud.model.fire import CRON_SOURCES
from tests.simulation.clock_changes import play_clocks_back


@pytest.mark.parametrize("seed", range(6))
def test_fires_of_the_second_pass_survive_crashes_in_the_first(seed: int) -> None:
    world = play_clocks_back(seed)

    crons = [fire for fire in world.store.fires.values() if fire.source in CRON_SOURCES]
    assert len({fire.job_name for fire in crons}) == 6

"""What counts as on time: each shard of each fire within a second, and a daemon's execution in each second."""

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.task import TaskState
from tests.chaos.judging.history import Mark
from tests.chaos.judging.lateness import Lateness, measure_lateness
from tests.chaos.judging.made_up_story import T0, Story


def _lateness(story: Story) -> Lateness:
    # The stories' shards count from the epoch, as if the machine had been started then.
    return measure_lateness(story.history, ["job"], 0.0, T0, T0 + 3_000)


def test_fires_that_start_in_time_are_on_time() -> None:
    assert _lateness(Story().runs()) == Lateness(0, 0)


def test_fire_that_starts_after_a_second_is_late() -> None:
    story = Story()
    story.run(1)
    fire = story.fire(2)
    story.history.fires[-1] = msgspec.structs.replace(fire, started_ms=fire.due_ms + 1_100)
    for item in (0, 1):
        story.task(item, fire.due_ms + 1_100)
    story.run(3)
    assert _lateness(story) == Lateness(1, T0 + 2_000)


@pytest.mark.parametrize("mark", [None, Mark.END])
def test_fire_of_which_a_shard_never_starts_is_late(mark: Mark | None) -> None:
    story = Story()
    story.run(1)
    story.run(2)
    fire = story.fire(3)
    story.task(0, fire.started_ms)
    story.task(1, fire.started_ms, mark=mark, state=TaskState.LOST)
    assert _lateness(story) == (Lateness(0, 0) if mark else Lateness(1, T0 + 3_000))


def test_dropped_and_unrecorded_fires_are_late() -> None:
    story = Story()
    story.dropped(1)
    story.run(3)
    assert _lateness(story) == Lateness(2, T0 + 2_000)


def test_second_without_a_daemons_execution_is_late() -> None:
    story = Story(daemon=True)
    fire = story.fire(0, source=FireSource.DAEMON)
    story.history.fires[-1] = msgspec.structs.replace(fire, state=FireState.RUNNING)
    task_id = story.task(0, fire.started_ms, state=TaskState.RUNNING, mark=None)
    for second in (1, 3):
        story.lines(task_id, T0 + 1000 * second, 0.3)
    assert _lateness(story) == Lateness(1, T0 + 2_000)

"""The checker finds each broken promise: histories that are made up, with one thing wrong in each."""

from dataclasses import replace

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from tests.chaos.judging.checker import check_history
from tests.chaos.judging.history import Mark, OutputLine, spans
from tests.chaos.judging.made_up_story import NS_A_MS, T0, Story


@pytest.mark.parametrize("misfire", [False, True])
@pytest.mark.parametrize("failover", [False, True])
def test_plain_history_breaks_nothing(failover: bool, misfire: bool) -> None:
    assert Story(failover=failover, misfire=misfire).runs().problems() == []


def test_fire_that_nobody_recorded_is_found() -> None:
    story = Story()
    story.run(1)
    story.run(3)
    story.expect(f"promise 1: job: no record of [{T0 + 2000}]")


def test_fires_after_the_last_recorded_one_are_found() -> None:
    story = Story()
    story.run(1)
    story.expect(f"promise 1: job: no record of [{T0 + 2000}, {T0 + 3000}]")


def test_time_without_a_leader_counts_as_recorded() -> None:
    story = Story()
    story.dropped(1, 2)
    story.run(3)
    assert story.problems() == []


def test_fire_that_was_recorded_twice_is_found() -> None:
    story = Story().runs()
    story.dropped(2)
    story.expect("promise 2: job: recorded beyond what is due")


def test_misfire_that_was_not_made_up_is_found() -> None:
    story = Story(misfire=True)
    story.dropped(1)
    story.run(2)
    story.run(3)
    story.expect("promise 7: job: fire 1 misfired and was not made up")


def test_fire_before_its_time_is_found() -> None:
    story = Story().runs()
    story.history.fires[1] = msgspec.structs.replace(story.history.fires[1], recorded_ms=T0 + 1999)
    story.expect("promise 10: job: fire 2 is early")


@pytest.mark.parametrize(
    "accepted, unanswered, broken",
    [(1, 0, False), (0, 1, False), (0, 0, True), (2, 0, True), (1, 9, False)],
)
def test_trigger_that_was_lost_or_doubled_is_found(accepted: int, unanswered: int, broken: bool) -> None:
    story = Story().runs()
    fire = story.fire(4, source=FireSource.TRIGGER)
    for item in (0, 1):
        story.task(item, fire.started_ms)
    story.history.accepted["job"] += accepted
    story.history.unanswered["job"] += unanswered
    problems = story.problems()
    assert bool(problems) == broken
    assert all(problem.startswith("promise 7: job:") for problem in problems)


def test_dropped_trigger_is_found() -> None:
    story = Story().runs()
    fire = story.fire(4, source=FireSource.TRIGGER)
    story.history.fires[-1] = msgspec.structs.replace(
        fire, state=FireState.DROPPED, reason="misfired", started_ms=0
    )
    story.history.accepted["job"] += 1
    story.expect("promise 7: job: trigger 4 was dropped: misfired")


def test_task_without_a_record_is_found() -> None:
    story = Story().runs()
    story.lines(str(TaskId("job", 0, TaskType.READY, "agent-n1", "f" * 32)), T0 + 3700, 0.2)
    story.expect("promise 2: job@-@0@-@READY@-@agent-n1@-@ffff")


def test_task_that_starts_twice_is_found() -> None:
    story = Story(failover=True).runs()
    task_id = story.history.output[0].task_id
    story.lines(task_id, T0 + 1700, 0.2)
    story.expect("was started twice")


def test_daemon_may_write_one_start_for_each_execution() -> None:
    story = Story(daemon=True)
    fire = story.fire(0, source=FireSource.DAEMON)
    tasks = [story.task(item, fire.started_ms) for item in (0, 1)]
    story.lines(tasks[0], T0 + 2000, 0.3)
    assert story.problems() == []


def test_run_without_one_of_its_shards_is_found() -> None:
    story = Story()
    for second in (1, 2, 3):
        fire = story.fire(second)
        for item in (0, 1) if second != 2 else (0,):
            story.task(item, fire.started_ms)
    story.expect("promise 4: job: fire 2 started items [0]")


def test_task_that_ends_twice_is_found() -> None:
    story = Story().runs()
    task_id = story.history.traces[0].task_id
    story.trace(task_id, 0, TaskState.LOST, T0 + 1900)
    story.expect("promise 2")


def test_finished_task_that_never_said_so_is_found() -> None:
    story = Story()
    story.run(1)
    story.run(2)
    fire = story.fire(3)
    story.task(0, fire.started_ms)
    story.task(1, fire.started_ms, mark=Mark.BEAT)
    story.expect("promise 9")


def test_item_in_two_places_is_found() -> None:
    story = Story(failover=True).runs()
    lost = story.task(0, T0 + 3600, seconds=2.0, state=TaskState.LOST, mark=Mark.BEAT)
    story.task(0, T0 + 4600, host="n2", original=lost)
    story.history.fires[-1] = msgspec.structs.replace(story.history.fires[-1], ended_ms=T0 + 9000)
    problems = story.problems()
    assert len(problems) == 1, problems
    assert "promise 5: item 0 in two places at once" in problems[0]
    assert "for 0.20 s" in problems[0]


def test_item_that_was_frozen_meanwhile_is_in_one_place() -> None:
    story = Story(failover=True).runs()
    lost = story.task(0, T0 + 3600, seconds=0.5, state=TaskState.LOST, mark=Mark.BEAT)
    story.task(0, T0 + 5600, host="n2", original=lost)
    assert story.problems() == []


def test_frozen_task_that_wakes_beside_its_successor_is_found() -> None:
    story = Story(failover=True).runs()
    lost = story.task(0, T0 + 3600, seconds=0.5, state=TaskState.LOST, mark=Mark.BEAT)
    story.task(0, T0 + 5600, host="n2", original=lost, seconds=2)
    late = [replace(line, at_ns=line.at_ns + 3_000 * NS_A_MS) for line in _beats_of(story, lost)]
    story.history.output = sorted([*story.history.output, *late], key=lambda line: line.at_ns)
    story.expect("promise 5: item 0 in two places at once")


def test_two_runs_at_once_are_found() -> None:
    story = Story()
    story.run(1)
    fire = story.fire(2)
    story.task(0, fire.started_ms)
    story.task(1, fire.started_ms, seconds=1.5)
    fire = story.fire(3)
    story.task(0, fire.started_ms)
    story.task(1, fire.started_ms + 0, mark=None, state=TaskState.LOST)
    story.expect("promise 3: two runs at once")


def test_second_start_without_failover_is_found() -> None:
    story = Story()
    story.run(1)
    story.run(2)
    fire = story.fire(3)
    story.task(1, fire.started_ms)
    lost = story.task(0, fire.started_ms, state=TaskState.LOST, mark=Mark.BEAT)
    story.task(0, fire.started_ms + 400, original=lost)
    story.expect("promise 6: job: item 0 of fire 3 was started 2 times without failover")


def test_shard_that_never_finished_with_failover_is_found() -> None:
    story = Story(failover=True)
    story.run(1)
    story.run(2)
    fire = story.fire(3)
    story.task(1, fire.started_ms)
    story.task(0, fire.started_ms, state=TaskState.LOST, mark=Mark.BEAT)
    story.expect("promise 6: job: item 0 of fire 3 never finished: TASK_LOST")


def test_shard_that_failed_three_times_is_given_up() -> None:
    story = Story(failover=True)
    story.run(1)
    story.run(2)
    fire = story.fire(3)
    story.task(1, fire.started_ms)
    first = story.task(0, fire.started_ms, state=TaskState.FAILED, mark=Mark.BEAT)
    for attempt in (1, 2):
        story.task(
            0, fire.started_ms + 1000 * attempt, state=TaskState.FAILED, mark=Mark.BEAT, original=first
        )
    assert story.problems() == []


def test_what_never_ends_is_found_at_the_end_only() -> None:
    story = Story().runs()
    story.history.fires[2] = msgspec.structs.replace(story.history.fires[2], state=FireState.RUNNING)
    story.history.live_task_ids = [story.history.traces[-1].task_id]
    story.history.waiting_failovers = 1
    assert check_history(story.history) == []
    problems = story.problems()
    assert [problem.partition(":")[0] for problem in problems] == ["promise 1", "promise 1", "promise 6"]


def test_line_of_output_is_read_as_it_was_written() -> None:
    line = OutputLine.parse("BEAT 12345 n1 77 job@-@0@-@READY@-@agent@-@1")
    assert line == OutputLine(Mark.BEAT, 12345, "n1", 77, "job@-@0@-@READY@-@agent@-@1")


def test_pause_of_more_than_a_second_parts_spans() -> None:
    lines = [OutputLine(Mark.BEAT, at_ms * NS_A_MS, "n1", 7, "task") for at_ms in (0, 900, 1800, 2900, 3000)]
    assert [(span.first_ns // NS_A_MS, span.last_ns // NS_A_MS) for span in spans(lines)] == [
        (0, 1800),
        (2900, 3000),
    ]


def _beats_of(story: Story, task_id: str) -> list[OutputLine]:
    return [line for line in story.history.output if line.task_id == task_id and line.mark is Mark.BEAT]

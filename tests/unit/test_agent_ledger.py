"""What an agent remembers of its tasks, and has to tell."""

import asyncio
from collections.abc import Callable

import pytest

from elasticjob_cloud.agent import ledger
from elasticjob_cloud.agent.ledger import Ledger
from elasticjob_cloud.model.messages import AgentEvents, ExecutorStarted, TaskStatus
from elasticjob_cloud.model.task import TaskState


class Told:
    """A ledger, and the batches that it handed on."""

    def __init__(self) -> None:
        self.batches: list[AgentEvents] = []
        self.ledger = Ledger("agent", self.batches.append)

    def report(self, task_id: str, state: TaskState, message: str = "") -> bool:
        return self.ledger.report(TaskStatus(task_id, state, 7, message))

    def states(self) -> list[TaskState]:
        return [
            event.state for batch in self.batches for event in batch.events if isinstance(event, TaskStatus)
        ]


def play(scenario: Callable[[Told], None]) -> None:
    async def run() -> None:
        scenario(Told())

    asyncio.run(run())


def test_task_is_accepted_once_in_its_life_and_after() -> None:
    def scenario(told: Told) -> None:
        assert told.ledger.accept("t")
        assert not told.ledger.accept("t")
        told.report("t", TaskState.FINISHED)
        assert not told.ledger.accept("t")
        told.ledger.flush()
        told.ledger.acknowledge(1)
        assert not told.ledger.accept("t")
        assert told.ledger.holds("t")
        assert not told.ledger.is_live("t")

    play(scenario)


def test_end_is_told_once_and_nothing_after_it() -> None:
    def scenario(told: Told) -> None:
        told.ledger.accept("t")
        assert told.report("t", TaskState.RUNNING)
        assert told.report("t", TaskState.KILLED)
        assert not told.report("t", TaskState.FINISHED)
        assert not told.report("t", TaskState.RUNNING)
        told.ledger.flush()
        assert told.states() == [TaskState.RUNNING, TaskState.KILLED]

    play(scenario)


def test_events_of_one_turn_are_one_batch_in_their_order() -> None:
    async def run() -> None:
        told = Told()
        told.ledger.accept("t")
        told.ledger.tell(ExecutorStarted("app"))
        told.report("t", TaskState.RUNNING)
        assert told.batches == []
        await asyncio.sleep(0)
        (batch,) = told.batches
        assert batch.sequence == 1
        assert [type(event) for event in batch.events] == [ExecutorStarted, TaskStatus]
        await asyncio.sleep(0)
        assert len(told.batches) == 1

    asyncio.run(run())


def test_unacknowledged_batches_are_given_again_and_that_of_this_turn_is_told_by_them_alone() -> None:
    def scenario(told: Told) -> None:
        told.ledger.accept("a")
        told.report("a", TaskState.FINISHED)
        told.ledger.flush()
        told.report("b", TaskState.KILLED)
        assert [batch.sequence for batch in told.ledger.unacknowledged()] == [1, 2]
        assert len(told.batches) == 1
        told.ledger.acknowledge(1)
        assert [batch.sequence for batch in told.ledger.unacknowledged()] == [2]
        assert [status.task_id for status in told.ledger.statuses()] == ["b"]

    play(scenario)


def test_inventory_knows_since_when_a_task_runs() -> None:
    def scenario(told: Told) -> None:
        told.ledger.accept("t")
        told.ledger.accept("u")
        told.report("t", TaskState.RUNNING, "COMPLETE")
        told.ledger.report(TaskStatus("t", TaskState.RUNNING, 9, "BEGIN"))
        assert told.ledger.statuses() == (
            TaskStatus("t", TaskState.RUNNING, 7),
            TaskStatus("u", TaskState.STAGING, 0),
        )
        assert told.ledger.live_count == 2

    play(scenario)


def test_what_a_predecessor_had_to_tell_is_held_and_told() -> None:
    def scenario(told: Told) -> None:
        told.ledger.adopt([TaskStatus("t", TaskState.LOST, 3, "gone")])
        assert not told.ledger.accept("t")
        assert told.ledger.statuses() == (TaskStatus("t", TaskState.LOST, 3, "gone"),)
        told.ledger.flush()
        told.ledger.acknowledge(1)
        assert told.ledger.ended_statuses() == []

    play(scenario)


def test_progress_that_nobody_acknowledges_is_dropped_before_any_end_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "_EVENTS_KEPT", 200)

    def scenario(told: Told) -> None:
        for number in range(150):
            told.ledger.accept(f"t{number}")
            told.report(f"t{number}", TaskState.RUNNING)
        told.ledger.flush()
        for number in range(60):
            told.report(f"t{number}", TaskState.FINISHED)
        told.ledger.flush()
        kept = [event for batch in told.ledger.unacknowledged() for event in batch.events]
        assert len(kept) == 60
        assert all(isinstance(event, TaskStatus) and event.state.is_terminal for event in kept)

    play(scenario)

"""What an agent remembers of its tasks, and has to tell."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from elasticjob_cloud.agent.reporting import ledger as ledger_module
from elasticjob_cloud.agent.reporting.backlog import Backlog
from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.scheduler_link.frames import Events, Welcome, encode_frame
from elasticjob_cloud.model.messages import (
    AgentEvent,
    AgentEvents,
    AgentInfo,
    Execution,
    ExecutorStarted,
    ExecutorStopped,
    Inventory,
    TaskStatus,
)
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


def test_progress_that_nobody_acknowledges_is_dropped_before_any_end_is() -> None:
    def scenario(told: Told) -> None:
        told.ledger = Ledger("agent", told.batches.append, Backlog(events_kept=200))
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


def failed(number: int, cause: str) -> TaskStatus:
    """Give a failed execution of a daemon task."""
    execution = Execution(number, number + 1, success=False, failure_cause=cause)
    return TaskStatus("daemon", TaskState.RUNNING, number, "COMPLETE", execution)


def test_backlog_is_bounded_in_bytes_and_gives_up_the_least_first() -> None:
    """A daemon that fails each second with a long traceback had filled the memory long before it had told enough events."""

    def scenario(told: Told) -> None:
        told.ledger = Ledger("agent", told.batches.append, Backlog(bytes_kept=1_000_000))
        told.ledger.accept("daemon")
        told.ledger.accept("t")
        for number in range(20):
            told.ledger.report(TaskStatus("daemon", TaskState.RUNNING, number, "BEGIN"))
            told.ledger.report(failed(number, "x" * 16_000))
            told.ledger.flush()
        told.report("t", TaskState.FAILED, "y" * 16_000)
        kept = [event for batch in told.ledger.unacknowledged() for event in batch.events]
        assert len(kept) == 41
        for number in range(20, 200):
            told.ledger.report(TaskStatus("daemon", TaskState.RUNNING, number, "BEGIN"))
            told.ledger.report(failed(number, "x" * 16_000))
            told.ledger.flush()
        kept = [event for batch in told.ledger.unacknowledged() for event in batch.events]
        assert sum(len(encode_frame(Events(batch))) for batch in told.ledger.unacknowledged()) < 1_300_000
        assert told.ledger.ended_statuses() == [event for event in kept if event == kept_end(kept)]
        assert kept_end(kept).message == "y" * 16_000

    play(scenario)


def kept_end(kept: Sequence[AgentEvent]) -> TaskStatus:
    """Give the one end of a task."""
    (end,) = (event for event in kept if isinstance(event, TaskStatus) and event.state.is_terminal)
    return end


def test_ends_are_told_in_short_where_all_of_them_are_too_much() -> None:
    def scenario(told: Told) -> None:
        told.ledger = Ledger("agent", told.batches.append, Backlog(bytes_kept=1_000_000))
        for number in range(500):
            told.report(f"t{number}", TaskState.FAILED, "y" * 16_000 + "the reason")
            told.ledger.flush()
        batches = told.ledger.unacknowledged()
        assert [batch.sequence for batch in batches] == list(range(1, 501))
        assert sum(len(batch.events) for batch in batches) == 500
        assert sum(len(encode_frame(Events(batch))) for batch in batches) < 1_300_000
        statuses = told.ledger.ended_statuses()
        assert len(statuses) == 500
        assert all(status.message.endswith("the reason") for status in statuses)
        told.ledger.acknowledge(500)
        assert not told.ledger.ended_statuses()
        assert not told.ledger.unacknowledged()

    play(scenario)


def test_summaries_stay_whole_in_a_backlog_that_is_told_in_short() -> None:
    def scenario(told: Told) -> None:
        told.ledger = Ledger("agent", told.batches.append, Backlog(bytes_kept=100_000))
        summary = "s" * 500
        for number in range(150):
            execution = Execution(1, 2, success=False, failure_cause="c" * 16_000, summary=summary)
            told.ledger.report(TaskStatus(f"t{number}", TaskState.FAILED, 7, "m", execution))
            told.ledger.flush()
        assert len(told.ledger.ended_statuses()) == 150
        assert {status.summary for status in told.ledger.ended_statuses()} == {summary}

    play(scenario)


@pytest.mark.parametrize("odd", ["\udc80", "a\ud800b", "名\udcff"])
def test_text_that_cannot_be_sent_spoils_no_message(odd: str) -> None:
    """A file name that is not UTF-8, in the words of an OSError, had kept the agent from ever speaking again."""

    def scenario(told: Told) -> None:
        told.ledger.report(TaskStatus("t", TaskState.ERROR, 7, odd))
        told.ledger.report(TaskStatus("u", TaskState.FAILED, 7, "", Execution(1, 2, False, odd)))
        told.ledger.report(TaskStatus("v", TaskState.FAILED, 7, "", Execution(1, 2, False, "cause", odd)))
        told.ledger.tell(ExecutorStopped("app", odd))
        for batch in told.ledger.unacknowledged():
            encode_frame(Events(batch))
        info = AgentInfo("agent", "host", "127.0.0.1", 1.0, 1.0)
        encode_frame(Welcome(Inventory(info, told.ledger.statuses())))

    play(scenario)


def test_many_events_are_told_in_small_batches_and_no_more_than_the_scheduler_takes_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_module, "_BATCH_EVENTS", 10)
    monkeypatch.setattr(ledger_module, "_WINDOW_EVENTS", 50)

    def scenario(told: Told) -> None:
        for number in range(200):
            told.ledger.accept(f"t{number}")
            told.report(f"t{number}", TaskState.FINISHED)
        told.ledger.flush()
        assert [(batch.sequence, len(batch.events)) for batch in told.batches] == [
            (number, 10) for number in range(1, 6)
        ]
        told.ledger.acknowledge(2)
        assert [batch.sequence for batch in told.batches] == [1, 2, 3, 4, 5, 6, 7]
        assert [batch.sequence for batch in told.ledger.unacknowledged()] == [3, 4, 5, 6, 7]
        for sequence in range(3, 21):
            told.ledger.acknowledge(sequence)
        assert [batch.sequence for batch in told.batches] == list(range(1, 21))
        assert told.ledger.ended_statuses() == []

    play(scenario)


def test_what_is_given_up_does_not_narrow_what_may_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_BATCH_EVENTS", 10)
    monkeypatch.setattr(ledger_module, "_WINDOW_EVENTS", 50)

    async def run() -> None:
        batches: list[AgentEvents] = []
        kept = Ledger("agent", batches.append, Backlog(events_kept=60))
        for _ in range(5):
            for number in range(100):
                kept.accept(f"t{number}")
                kept.report(TaskStatus(f"t{number}", TaskState.RUNNING, 7, "BEGIN"))
            kept.flush()
            while batches and kept.unacknowledged():
                kept.acknowledge(batches[-1].sequence)
        batches.clear()
        for number in range(50):
            kept.report(TaskStatus(f"t{number}", TaskState.FINISHED, 8))
        kept.flush()
        assert sum(len(batch.events) for batch in batches) == 50

    asyncio.run(run())


def test_who_acknowledges_while_it_is_told_is_told_each_batch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_BATCH_EVENTS", 10)
    monkeypatch.setattr(ledger_module, "_WINDOW_EVENTS", 30)

    async def run() -> None:
        sequences: list[int] = []

        def take(batch: AgentEvents) -> None:
            sequences.append(batch.sequence)
            eager.acknowledge(batch.sequence)

        eager = Ledger("agent", take)
        for number in range(100):
            eager.accept(f"t{number}")
            eager.report(TaskStatus(f"t{number}", TaskState.FINISHED, 7))
        eager.flush()
        assert sequences == list(range(1, 11))

    asyncio.run(run())

"""Promise 11: who is next."""

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.records import FailoverRecord, FireRecord
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.state.queues import ReadyEntry, ReadyQueue, RetryQueue

SMALL, LARGE = Demand("app", 1, Room(1, 1), None), Demand("app", 9, Room(1, 1), None)


def _fire(fire_id: int, due_ms: int) -> FireRecord:
    return FireRecord(fire_id, f"job-{fire_id}", FireSource.CRON, due_ms, FireState.WAITING, due_ms)


def _failover(item: int, due_ms: int) -> FailoverRecord:
    return FailoverRecord(1, "job", item, "", "agent", 1, due_ms)


class _Starter:
    def __init__(self, *refused: Demand) -> None:
        self.refused = set(refused)
        self.offered: list[int] = []

    def __call__(self, entry: ReadyEntry, demand: Demand) -> bool:
        self.offered.append(entry.fire_id)
        return demand not in self.refused


def test_fires_start_oldest_first_whatever_they_ask_for() -> None:
    queue = ReadyQueue()
    for fire_id, due_ms, demand in ((1, 30, SMALL), (2, 10, LARGE), (3, 20, SMALL), (4, 10, SMALL)):
        queue.push(_fire(fire_id, due_ms), demand)
    starter = _Starter()

    queue.start_oldest(starter)
    queue.start_oldest(starter)

    assert starter.offered == [2, 4, 3, 1]


def test_one_refusal_stands_for_all_that_ask_for_the_same() -> None:
    queue = ReadyQueue()
    for fire_id in range(1, 6):
        queue.push(_fire(fire_id, fire_id), LARGE)
    queue.push(_fire(6, 6), SMALL)
    starter = _Starter(LARGE)

    queue.start_oldest(starter)
    queue.push(_fire(7, 0), LARGE)
    queue.start_oldest(starter)

    assert starter.offered == [1, 6]


def test_what_was_refused_is_tried_again_oldest_first_when_room_is_freed() -> None:
    queue = ReadyQueue()
    queue.push(_fire(2, 20), LARGE)
    queue.start_oldest(_Starter(LARGE))
    queue.push(_fire(1, 10), LARGE)
    starter = _Starter()

    queue.room_freed()
    queue.start_oldest(starter)
    queue.room_freed()

    assert starter.offered == [1, 2]


def test_a_kind_that_was_refused_and_is_gone_is_forgotten() -> None:
    queue = ReadyQueue()
    queue.push(_fire(1, 10), LARGE)
    queue.start_oldest(_Starter(LARGE))
    queue.room_freed()
    queue.start_oldest(_Starter())
    starter = _Starter()

    queue.room_freed()
    queue.start_oldest(starter)

    assert not starter.offered


def test_a_shard_may_be_started_again_from_its_time_on() -> None:
    queue = RetryQueue()
    queue.push(_failover(0, 20))
    queue.push(_failover(1, 10))

    assert queue.pop_due(9) is None
    assert queue.pop_due(10) == (10, 1, 1)
    assert queue.pop_due(10) is None
    assert queue.next_due_ms(lambda *_: True) == 20


def test_a_shard_that_found_no_room_waits_until_some_is_freed() -> None:
    queue = RetryQueue()
    queue.push(_failover(0, 10))
    entry = queue.pop_due(10)
    assert entry is not None
    queue.set_aside(entry)
    assert queue.next_due_ms(lambda *_: True) is None

    queue.room_freed()

    assert queue.pop_due(10) == entry


def test_of_a_run_that_found_no_room_one_shard_is_tried_before_the_others() -> None:
    queue = RetryQueue()
    for item, due_ms in ((0, 11), (1, 10), (2, 12)):
        queue.push(_failover(item, due_ms))
    while (entry := queue.pop_due(12)) is not None:
        queue.set_aside(entry)

    queue.room_freed()

    assert queue.pop_due(12) == (10, 1, 1)
    assert queue.pop_due(12) is None
    assert sorted(queue.without_room()) == [(1, 0), (1, 2)]
    queue.offer_next(1)
    assert queue.pop_due(12) == (11, 1, 0)
    queue.offer_next(1)
    assert queue.pop_due(12) == (12, 1, 2)
    queue.offer_next(1)
    assert queue.pop_due(12) is None


def test_a_shard_that_waits_no_more_is_nothing_to_wake_up_for() -> None:
    queue = RetryQueue()
    queue.push(_failover(0, 10))
    queue.push(_failover(1, 20))

    assert queue.next_due_ms(lambda _, item: item == 1) == 20
    assert queue.next_due_ms(lambda *_: False) is None

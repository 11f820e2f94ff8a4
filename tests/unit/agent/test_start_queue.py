"""Which script is started next, and when."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.scripts.start_queue import StartQueue


def taken(queue: StartQueue[str], now: float) -> list[str]:
    found = []
    while (item := queue.next(now)) is not None:
        found.append(item)
    return found


def queue_of(
    *groups: Iterable[str], fresh: int = 100, seconds: float = 1.0, running: int = 100
) -> StartQueue[str]:
    queue: StartQueue[str] = StartQueue(fresh, seconds, running)
    for group in groups:
        queue.add(group)
    return queue


def test_groups_take_turns_so_that_a_large_one_holds_up_no_small_one() -> None:
    assert taken(queue_of("abcd", "x", "12"), 0.0) == ["a", "x", "1", "b", "2", "c", "d"]


def test_empty_group_is_no_group() -> None:
    queue = queue_of("")
    assert not queue
    assert queue.retry_seconds(0.0) is None


def test_fresh_ones_are_bounded_until_they_end() -> None:
    queue = queue_of("abcd", fresh=2)
    assert taken(queue, 0.0) == ["a", "b"]
    queue.ended("b")
    assert taken(queue, 0.1) == ["c"]


def test_fresh_ones_are_bounded_until_they_are_old() -> None:
    queue = queue_of("abcd", fresh=2, seconds=1.0)
    assert taken(queue, 0.0) == ["a", "b"]
    assert queue.retry_seconds(0.25) == pytest.approx(0.75)
    assert taken(queue, 0.99) == []
    assert taken(queue, 1.0) == ["c", "d"]


def test_running_ones_are_bounded_however_old_they_are() -> None:
    queue = queue_of("abc", running=2)
    assert taken(queue, 0.0) == ["a", "b"]
    assert taken(queue, 1000.0) == []
    assert queue.retry_seconds(1000.0) is None
    queue.ended("a")
    assert queue.retry_seconds(1000.0) == 0.0
    assert taken(queue, 1000.0) == ["c"]


def test_item_that_ends_twice_gives_its_room_back_once() -> None:
    queue = queue_of("abcd", fresh=2, running=2)
    assert taken(queue, 0.0) == ["a", "b"]
    queue.ended("a")
    queue.ended("a")
    assert taken(queue, 0.0) == ["c"]


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(1, 8),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=5),
)
def test_every_item_comes_once_and_the_bounds_hold(
    sizes: list[int], fresh: int, running: int, lives: list[float]
) -> None:
    groups = [[f"{group}-{number}" for number in range(size)] for group, size in enumerate(sizes)]
    queue = queue_of(*groups, fresh=fresh, seconds=1.0, running=running)
    now, ends, seen = 0.0, dict[str, float](), list[str]()
    started: dict[str, float] = {}
    while queue or ends:
        for item in [item for item, end in ends.items() if end <= now]:
            del ends[item]
            queue.ended(item)
        for item in taken(queue, now):
            seen.append(item)
            started[item] = now
            ends[item] = now + lives[len(seen) % len(lives)]
        assert len(ends) <= running
        assert sum(now - started[item] < 1.0 for item in ends) <= fresh
        retry = queue.retry_seconds(now)
        waits = [end - now for end in ends.values()] + ([retry] if retry is not None else [])
        assert not queue or waits, "it would wait for ever"
        now += max(min(waits, default=0.0), 0.001)
    assert sorted(seen) == sorted(item for group in groups for item in group)

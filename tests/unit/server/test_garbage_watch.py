"""Cycles are collected although the collector is calmed."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from elasticjob_cloud.server.memory import GarbageWatch

MEBIBYTE = 1024 * 1024


class Node:
    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_young_cycles_are_collected_at_each_look() -> None:
    watch = GarbageWatch()
    gone = weakref.ref(Node())
    assert gone() is not None
    watch.look()
    assert gone() is None


def test_old_cycles_are_collected_when_the_process_has_grown() -> None:
    resident = [100 * MEBIBYTE]
    watch = GarbageWatch(lambda: resident[0])
    node = Node()
    gone = weakref.ref(node)
    gc.collect(1)
    gc.collect(1)  # old now
    del node
    watch.look()
    resident[0] += 80 * MEBIBYTE
    watch.look()
    assert gone() is not None
    resident[0] += 20 * MEBIBYTE
    watch.look()
    assert gone() is None


def test_growth_that_stays_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[int] = []
    resident = [100 * MEBIBYTE]
    watch = GarbageWatch(lambda: resident[0])
    monkeypatch.setattr(gc, "collect", lambda generation=2: whole.append(generation))
    resident[0] = 1000 * MEBIBYTE
    for _ in range(5):
        watch.look()
    assert whole.count(2) == 1
    assert whole.count(1) == 5

"""Revisions never look unchanged when something has changed."""

import itertools

import pytest

from elasticjob_cloud.service.revisions import Revisions, Topic


def revisions() -> Revisions:
    names = itertools.count()
    return Revisions(lambda: f"{next(names):016x}")


def test_all_topics_are_told_to_one_who_knows_nothing() -> None:
    assert set(revisions().since().topics) == set(Topic)


def test_only_later_changes_are_told() -> None:
    known = revisions()
    before = known.present
    known.note([Topic.JOBS])
    between = known.present
    known.note([Topic.RUNS, Topic.TASKS])

    assert set(known.since(before).topics) == {Topic.JOBS, Topic.RUNS, Topic.TASKS}
    assert set(known.since(between).topics) == {Topic.RUNS, Topic.TASKS}
    assert not known.since(known.present).topics


def test_a_turn_without_changes_leaves_the_revision() -> None:
    known = revisions()
    before = known.present
    known.note([])
    assert known.present == before


def test_everything_has_changed_with_another_core_though_its_numbers_are_the_same() -> None:
    known = revisions()
    known.note([Topic.JOBS])
    before = known.present
    known.begin()
    known.note([Topic.JOBS])

    assert known.present != before
    assert set(known.since(before).topics) == set(Topic)


@pytest.mark.parametrize("text", ["nonsense", "0000000000000000-99", "0000000000000000--1", "-", "0-1"])
def test_what_is_no_revision_of_this_core_is_told_everything(text: str) -> None:
    assert set(revisions().since(text).topics) == set(Topic)

"""Fires that wait to be recorded: in order, each once, with a job's own fires taken together where that is asked for."""

from elasticjob_cloud.scheduling.schedules.backlog import Backlog


def _waiting() -> Backlog:
    backlog = Backlog()
    backlog.add_due(10, ["a", "b"])
    backlog.add_due(20, ["a"])
    return backlog


def test_fires_that_waited_longest_are_taken_first_and_once() -> None:
    backlog = _waiting()
    assert backlog.oldest_due_ms() == 10
    assert backlog.pop_due(2) == [(10, "a"), (10, "b")]
    assert backlog.oldest_due_ms() == 20
    assert backlog.pop_due(2) == [(20, "a")]
    assert not backlog
    assert (backlog.oldest_due_ms(), backlog.pop_due(2)) == (None, [])


def test_fires_that_were_taken_with_all_of_their_job_do_not_come_again() -> None:
    backlog = _waiting()
    assert backlog.pop_due_of("a") == [10, 20]
    assert backlog.pop_due_of("a") == []
    backlog.add_due(30, ["a"])
    assert backlog.pop_due(5) == [(10, "b"), (30, "a")]
    assert not backlog


def test_missed_fires_are_counted_once_for_a_job_from_where_they_began() -> None:
    backlog = Backlog()
    backlog.add_missed("a", 10)
    backlog.add_missed("a", 99)
    backlog.add_missed("b", 20)
    assert backlog
    assert (backlog.missed_after_ms("a"), backlog.missed_after_ms("b"), backlog.missed_after_ms("c")) == (
        10,
        20,
        None,
    )
    backlog.remove_missed("a")
    assert backlog.next_missed() == "b"
    backlog.remove_missed("b")
    assert backlog.next_missed() is None
    assert not backlog


def test_job_that_somebody_waits_for_goes_first_and_is_counted_once() -> None:
    backlog = Backlog()
    for name in "abc":
        backlog.add_missed(name, 10)
    assert not backlog.prefer_missed("none")
    assert backlog.prefer_missed("a")
    assert backlog.next_missed() == "a"
    assert backlog.prefer_missed("c")
    order = []
    while (name_of_next := backlog.next_missed()) is not None:
        order.append(name_of_next)
        backlog.remove_missed(name_of_next)
    assert order == ["c", "a", "b"]


def test_clock_that_is_set_back_leaves_later_fires_to_come_and_one_that_goes_on_adds_none() -> None:
    backlog = Backlog()
    backlog.missed_until_ms = 100
    backlog.miss_nothing_after(200)
    assert backlog.missed_until_ms == 100
    backlog.miss_nothing_after(50)
    assert backlog.missed_until_ms == 50

"""When jobs are due: a tick costs what is due, whatever is registered."""

from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.scheduling.schedules.triggers import Triggers
from tests.unit.scheduling.core_driver import EVERY_MINUTE, HOUR_MS, MINUTE_MS, NOON_MS

UTC = ZoneInfo("UTC")


def _triggers(**crons: str) -> Triggers:
    triggers = Triggers()
    for name, cron in crons.items():
        triggers.add(name, CronExpression.parse(cron), UTC, NOON_MS)
    return triggers


def test_due_times_come_in_order_each_with_its_jobs() -> None:
    triggers = _triggers(a=EVERY_MINUTE, b="30 * * * * ?", c=EVERY_MINUTE)

    due = list(triggers.pop_due(NOON_MS + 2 * MINUTE_MS))

    assert [(due_ms - NOON_MS, names) for due_ms, names in due] == [
        (30_000, ["b"]),
        (60_000, ["a", "c"]),
        (90_000, ["b"]),
        (120_000, ["a", "c"]),
    ]
    assert triggers.next_due_ms() == NOON_MS + 150_000


def test_a_job_that_is_removed_is_due_no_more() -> None:
    triggers = _triggers(a=EVERY_MINUTE)

    triggers.remove("a")
    triggers.remove("a")

    assert triggers.next_due_ms() is None


def test_a_job_that_is_added_again_has_its_new_schedule_alone() -> None:
    triggers = _triggers(a=EVERY_MINUTE)

    triggers.add("a", CronExpression.parse("0 0 * * * ?"), UTC, NOON_MS)

    assert [due_ms for due_ms, _ in triggers.pop_due(NOON_MS + HOUR_MS)] == [NOON_MS + HOUR_MS]


def test_jobs_of_one_cron_that_came_at_different_times_end_up_together() -> None:
    triggers = Triggers()
    cron = CronExpression.parse(EVERY_MINUTE)
    triggers.add("late", cron, UTC, NOON_MS)
    triggers.add("early", cron, UTC, NOON_MS - MINUTE_MS)

    assert [names for _, names in triggers.pop_due(NOON_MS)] == [["early"]]

    assert [names for _, names in triggers.pop_due(NOON_MS + MINUTE_MS)] == [["late", "early"]]
    triggers.remove("early")
    assert [names for _, names in triggers.pop_due(NOON_MS + 2 * MINUTE_MS)] == [["late"]]


def test_a_cron_that_never_fires_again_is_not_kept() -> None:
    triggers = _triggers(past="0 0 0 1 1 ? 2020", once="0 1 12 26 10 ? 2026")

    assert [names for _, names in triggers.pop_due(NOON_MS + HOUR_MS)] == [["once"]]
    assert triggers.next_due_ms() is None


def test_jobs_that_are_taken_out_are_due_no_more() -> None:
    triggers = _triggers(a=EVERY_MINUTE, b="0 0 * * * ?", c=EVERY_MINUTE)

    taken = list(triggers.take_due(NOON_MS + 10 * MINUTE_MS))

    assert taken == [(NOON_MS + MINUTE_MS, ["a", "c"])]
    assert triggers.next_due_ms() == NOON_MS + HOUR_MS
    triggers.add("a", CronExpression.parse(EVERY_MINUTE), UTC, NOON_MS)
    assert triggers.next_due_ms() == NOON_MS + MINUTE_MS


def test_schedules_that_come_and_go_leave_nothing_behind() -> None:
    triggers = _triggers(kept=EVERY_MINUTE)
    for number in range(2_000):
        text = f"{number % 60} {number // 60} 0 1 1 ? 2099"
        triggers.add("job", CronExpression.parse(text), UTC, NOON_MS)

    assert len(triggers._heap) < 250
    assert triggers.next_due_ms() == NOON_MS + MINUTE_MS


def test_next_fire_of_a_job_is_known_while_it_is_scheduled() -> None:
    triggers = _triggers(a=EVERY_MINUTE, past="0 0 0 1 1 ? 2020")
    assert triggers.next_fire_ms("a") == NOON_MS + MINUTE_MS
    assert triggers.next_fire_ms("past") is None

    list(triggers.pop_due(NOON_MS + MINUTE_MS))
    assert triggers.next_fire_ms("a") == NOON_MS + 2 * MINUTE_MS

    triggers.remove("a")
    assert triggers.next_fire_ms("a") is None


def test_upcoming_fires_are_the_first_in_order_and_stay_as_they_are() -> None:
    triggers = _triggers(hourly="0 0 * * * ?", a=EVERY_MINUTE, b="30 * * * * ?", c=EVERY_MINUTE)
    expected = [
        (NOON_MS + 30_000, "b"),
        (NOON_MS + 60_000, "a"),
        (NOON_MS + 60_000, "c"),
        (NOON_MS + HOUR_MS, "hourly"),
    ]

    for limit in range(6):
        assert triggers.upcoming(limit) == expected[:limit]

    assert triggers.next_due_ms() == NOON_MS + 30_000
    assert Triggers().upcoming(5) == []


def test_upcoming_fires_pass_over_jobs_that_are_gone() -> None:
    triggers = _triggers(a=EVERY_MINUTE, b="30 * * * * ?", hourly="0 0 * * * ?")

    triggers.remove("b")

    assert triggers.upcoming(2) == [(NOON_MS + MINUTE_MS, "a"), (NOON_MS + HOUR_MS, "hourly")]


@given(st.lists(st.integers(0, 59), min_size=1, max_size=30), st.integers(1, 30))
def test_upcoming_fires_are_those_with_the_earliest_times(minutes: list[int], limit: int) -> None:
    triggers = _triggers(**{f"job{number}": f"0 {at} * * * ?" for number, at in enumerate(minutes)})

    found = triggers.upcoming(limit)

    expected = sorted((triggers.next_fire_ms(f"job{number}"), number) for number in range(len(minutes)))
    assert [due_ms for due_ms, _ in found] == [due_ms for due_ms, _ in expected[:limit]]
    assert all(triggers.next_fire_ms(job_name) == due_ms for due_ms, job_name in found)
    assert len({job_name for _, job_name in found}) == len(found)


_TEXTS = ("0 * * * * ?", "0 0/7 * * * ?", "0 0 * * * ?", "30 2/3 * * * ?")


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(_TEXTS), st.integers(0, 5)), max_size=20),
    st.lists(st.sampled_from("abcdef"), max_size=4),
)
def test_each_job_is_due_exactly_when_its_cron_says(
    added: list[tuple[str, str, int]], removed: list[str]
) -> None:
    triggers = Triggers()
    crons: dict[str, tuple[CronExpression, int]] = {}
    for name, text, minutes in added:
        crons[name] = CronExpression.parse(text), NOON_MS + minutes * MINUTE_MS
        triggers.add(name, crons[name][0], UTC, crons[name][1])
    for name in removed:
        crons.pop(name, None)
        triggers.remove(name)
    until_ms = NOON_MS + HOUR_MS

    due = [(due_ms, name) for due_ms, names in triggers.pop_due(until_ms) for name in names]

    expected = {
        (due_ms, name)
        for name, (cron, after_ms) in crons.items()
        for due_ms in cron.fires_ms(after_ms, UTC, until_ms=until_ms)
    }
    assert set(due) == expected
    assert len(due) == len(expected)
    assert [due_ms for due_ms, _ in due] == sorted(due_ms for due_ms, _ in due)

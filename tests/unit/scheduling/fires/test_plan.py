"""The fires to come, as the triggers would make them one after the other."""

import itertools
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.scheduling.schedules.plan import Plan
from elasticjob_cloud.scheduling.schedules.triggers import Triggers

NOON_MS = 1_795_003_200_000
UTC = ZoneInfo("UTC")
CRONS = ("0 * * * * ?", "30 * * * * ?", "0 0/5 * * * ?", "0 1 * * * ?", "5 0 12 1 1 ? 2027", "*/20 * * * * ?")


def triggers_of(jobs: dict[str, str]) -> Triggers:
    triggers = Triggers()
    for name, cron in jobs.items():
        triggers.add(name, CronExpression.parse(cron), UTC, NOON_MS)
    return triggers


def fires_of(plan: Plan, until_ms: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while (fires := plan.next_fires()) is not None and fires[0] <= until_ms:
        found += [(fires[0], name) for name in fires[1]]
    return found


JOBS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(CRONS))
HOUR_MS = 3_600_000


@given(JOBS)
def test_a_plan_says_what_the_triggers_then_do(jobs: dict[str, str]) -> None:
    triggers = triggers_of(jobs)

    planned = fires_of(triggers.plan(), NOON_MS + HOUR_MS)

    assert all(earlier[0] <= later[0] for earlier, later in itertools.pairwise(planned))
    done = [(due_ms, name) for due_ms, names in triggers.pop_due(NOON_MS + HOUR_MS) for name in names]
    assert sorted(planned) == sorted(done)


@given(JOBS, st.sets(st.sampled_from("abcdefghx")))
def test_a_plan_of_some_jobs_has_their_fires_alone(jobs: dict[str, str], chosen: set[str]) -> None:
    triggers = triggers_of(jobs)
    expected = [it for it in fires_of(triggers.plan(), NOON_MS + HOUR_MS) if it[1] in chosen]

    one_by_one, together = Plan(), Plan()
    for name in sorted(chosen):
        one_by_one.add(triggers.of_jobs([name]))
    together.add(triggers.of_jobs(chosen))

    assert sorted(fires_of(one_by_one, NOON_MS + HOUR_MS)) == sorted(expected)
    assert sorted(fires_of(together, NOON_MS + HOUR_MS)) == sorted(expected)


def test_a_plan_leaves_the_triggers_as_they_are() -> None:
    triggers = triggers_of({"a": "0 * * * * ?", "b": "0 * * * * ?", "once": "5 0 12 1 1 ? 2027"})

    fires_of(triggers.plan(), NOON_MS + HOUR_MS)

    assert triggers.next_due_ms() == NOON_MS + 60_000
    assert triggers.next_fire_ms("a") == NOON_MS + 60_000


def test_a_plan_ends_when_nothing_is_due_ever_again() -> None:
    triggers = triggers_of({"once": "5 0 12 1 1 ? 2027", "gone": "0 * * * * ?"})
    triggers.remove("gone")

    plan = triggers.plan()

    assert plan.next_fires() is not None
    assert plan.next_fires() is None

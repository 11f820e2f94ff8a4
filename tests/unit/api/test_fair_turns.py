"""Turns are shared fairly between groups."""

import asyncio

from elasticjob_cloud.api.access.fair_turns import FairTurns
from elasticjob_cloud.model.errors import UnavailableError


class Place:
    """Notes who has had a turn, and holds everyone until it opens."""

    def __init__(self, at_once: int = 1, waiting_limit: int = 100) -> None:
        self.turns = FairTurns(at_once, waiting_limit)
        self.had: list[str] = []
        self.present = self.most = 0
        self.opens = asyncio.Event()

    async def enter(self, group: str, name: str) -> None:
        async with self.turns.turn(group):
            self.present += 1
            self.most = max(self.most, self.present)
            try:
                await self.opens.wait()
                self.had.append(name)
            finally:
                self.present -= 1

    def begin(self, *names: str) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.enter(name[0], name)) for name in names]


def test_each_group_has_its_turn_before_any_has_another() -> None:
    async def run() -> None:
        place = Place()
        tasks = place.begin("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        await asyncio.sleep(0)
        place.opens.set()
        await asyncio.gather(*tasks)
        assert place.had == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]

    asyncio.run(run())


def test_no_more_are_in_at_a_time_than_may_be_and_places_are_not_lost() -> None:
    async def run() -> None:
        place = Place(at_once=2)
        tasks = place.begin(*(f"{group}{number}" for group in "abc" for number in range(5)))
        await asyncio.sleep(0)
        cancelled = (tasks[0], tasks[3], tasks[14])  # one that is in, two that wait
        for task in cancelled:
            task.cancel()
        await asyncio.sleep(0)
        place.opens.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(place.had) == 12
        await asyncio.gather(*place.begin("x1", "x2", "x3"))
        assert place.most == 2

    asyncio.run(run())


def test_a_turn_that_comes_to_one_who_has_gone_is_passed_on() -> None:
    async def run() -> None:
        place = Place()
        first, second, third = place.begin("a1", "b1", "c1")
        await asyncio.sleep(0)
        place.opens.set()
        await first  # the second has its turn now, and does not know it yet
        second.cancel()
        await asyncio.gather(second, third, return_exceptions=True)
        assert "c1" in place.had

    asyncio.run(run())


def test_when_too_many_wait_one_of_the_largest_group_is_refused() -> None:
    async def run() -> None:
        place = Place(waiting_limit=3)
        crowd = place.begin("a1", "a2", "a3", "a4")
        await asyncio.sleep(0)
        (other,) = place.begin("b1")
        await asyncio.sleep(0)
        (late,) = place.begin("a5")
        await asyncio.sleep(0)
        place.opens.set()
        outcomes = await asyncio.gather(*crowd, other, late, return_exceptions=True)
        assert [isinstance(outcome, UnavailableError) for outcome in outcomes] == [
            *(False, False, False, True),
            *(False, True),
        ]

    asyncio.run(run())

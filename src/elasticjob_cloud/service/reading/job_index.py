"""An index of all jobs: what changed is noted with each commit, and taken up when somebody reads."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from sortedcontainers import SortedList

from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobSort
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.reading.job_entry import KEYS, NOTHING, JobEntry, Key, make_entry, renew, select
from elasticjob_cloud.service.reading.last_results import LastResults
from elasticjob_cloud.service.reading.turns import Reader

_STEP: Final = 50  # entries between two looks at the clock
_SCAN_STEP: Final = 500
Place = tuple[Key, str, JobEntry]  # a name is in one place only: entries are never compared


class JobIndex:
    """Follows one core. Nothing is built before the first reader comes, and no order before it is asked for.

    A commit costs the names that it touches, put into a dictionary.
    """

    def __init__(self, core: Core, results: LastResults) -> None:
        self._core = core
        self._results = results
        self._entries: dict[str, JobEntry] = {}
        self._touched: dict[str, None] = {}
        self._touched_apps: dict[str, None] = {}
        self._is_built = False
        self._orders: dict[JobSort, SortedList] = {}
        self._lists: dict[JobSort, list[Place]] = {}
        self._updating = asyncio.Lock()

    def note(self, changes: Changes) -> None:
        """Note which jobs a turn has touched."""
        if not self._is_built:
            return
        touched = self._touched
        touched.update(dict.fromkeys(changes.jobs))
        touched.update(dict.fromkeys(changes.schedules))
        self._touched_apps.update(dict.fromkeys(changes.apps))
        for fire in changes.fires.values():
            touched[fire.job_name] = None
        for task_id in changes.tasks:
            touched[task_id.partition("@-@")[0]] = None
        for execution in changes.executions:
            touched[execution.job_name] = None

    def touch(self, job_names: Sequence[str]) -> None:
        """Note that the last results of these jobs have become known."""
        if self._is_built:
            self._touched.update(dict.fromkeys(job_names))

    async def find(
        self, wanted: JobFilter, order: JobOrder, first: int, count: int, reader: Reader
    ) -> tuple[int, list[str]]:
        """Give how many jobs match, and the names of those from number `first` (0) on, in order."""
        places = _directed(await self._ordered(order.sort, reader), descending=order.descending)
        if wanted.is_empty:
            return len(places), [name for _, name, _ in places[first : first + count]]
        total, names = 0, []
        async for found in self._selected(wanted, places, reader):
            names += [it.name for it in found[max(0, first - total) : max(0, first + count - total)]]
            total += len(found)
        return total, names

    async def find_all(self, wanted: JobFilter, order: JobOrder, reader: Reader) -> list[str]:
        """Give the names of all jobs that match, in order."""
        places = _directed(await self._ordered(order.sort, reader), descending=order.descending)
        return [it.name async for found in self._selected(wanted, places, reader) for it in found]

    async def _selected(
        self, wanted: JobFilter, places: list[Place], reader: Reader
    ) -> AsyncIterator[list[JobEntry]]:
        for start in range(0, len(places), _SCAN_STEP):
            await reader.step()
            yield select(wanted, [entry for _, _, entry in places[start : start + _SCAN_STEP]])

    async def _ordered(self, sort: JobSort, reader: Reader) -> list[Place]:
        """Give all jobs in an order, as of the last commit. The list is not changed any more."""
        async with self._updating:
            for name in self._take_touched():
                self._update(name)
                await reader.step()
            if sort not in self._orders:
                self._orders[sort] = await self._sorted(sort, reader)
            if sort not in self._lists:
                self._lists[sort] = list(self._orders[sort])
            return self._lists[sort]

    def _take_touched(self) -> Iterator[str]:
        """Give the jobs that are to be looked at, all of them at first. What is touched meanwhile is left for the next time."""
        state = self._core.state
        if not self._is_built:
            self._is_built = True
            return iter(list(state.jobs))
        touched, self._touched = self._touched, {}
        apps, self._touched_apps = self._touched_apps, {}
        for app_name in apps:
            touched.update(dict.fromkeys(state.jobs_of_app.get(app_name, ())))
        return iter(list(touched))

    async def _sorted(self, sort: JobSort, reader: Reader) -> SortedList:
        order, key = SortedList(), KEYS[sort]
        for number, entry in enumerate(list(self._entries.values())):
            if number % _STEP == 0:
                await reader.step()
            order.add((key(entry), entry.name, entry))
        return order

    def _update(self, name: str) -> None:
        entry, present = self._entries.get(name), make_entry(self._core, self._results, name)
        if entry is None and present is not None:
            self._entries[name] = present
            self._place({}, present)
        elif entry is not None:
            former = self._keys(entry)
            if present is not None:
                renew(entry, present)
                self._place(former, entry)
            else:
                del self._entries[name]
                for sort, key in former.items():
                    self._orders[sort].remove((key, name, entry))
                    self._lists.pop(sort, None)

    def _keys(self, entry: JobEntry) -> dict[JobSort, Key]:
        return {sort: KEYS[sort](entry) for sort in self._orders}

    def _place(self, former: dict[JobSort, Key], entry: JobEntry) -> None:
        """Put an entry where its keys say in each order, and take it from where it was."""
        for sort, key in self._keys(entry).items():
            if former.get(sort) == key:
                continue
            if sort in former:
                self._orders[sort].remove((former[sort], entry.name, entry))
            self._orders[sort].add((key, entry.name, entry))
            self._lists.pop(sort, None)


def _directed(places: list[Place], *, descending: bool) -> list[Place]:
    """Turn an order round, but leave at the end what there is nothing to sort by."""
    if not descending:
        return places
    if places and isinstance(places[0][0], str):
        return places[::-1]
    known = bisect_left(places, (NOTHING, ""))
    return places[:known][::-1] + places[known:]

"""The fires to come: from the triggers in memory, which are in the order in which they are due.

A cron that many jobs share costs as much as one, and no more due times are looked at than give a row, or pass.
"""

from itertools import islice
from typing import Final

from elasticjob_cloud.model.queries.timeline import PlannedFire, PlannedFires, TimelineQuery
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.scheduling.schedules.plan import Plan
from elasticjob_cloud.service.reading.turns import Reader

_STEP: Final = 5
_NAMES_STEP: Final = 500
TIMES_LOOKED_AT: Final = 20_000  # also those before the start of the time


async def planned_fires(core: Core, query: TimelineQuery, reader: Reader) -> PlannedFires:
    """Give the fires of a time, the next first, at most `query.limit`. Those of daemon jobs are their executors' own."""
    plan = await _plan(core, query, reader)
    rows: dict[PlannedFire, None] = {}
    for number in range(TIMES_LOOKED_AT):
        if number % _STEP == 0:
            await reader.step()
        fires = plan.next_fires()
        if fires is None or fires[0] > query.end_ms:
            return PlannedFires(list(rows), complete=True)
        due_ms, job_names = fires
        if due_ms >= query.start_ms:
            more = islice(job_names, query.limit + 1 - len(rows))
            rows.update((PlannedFire(due_ms, name), None) for name in more)
        if len(rows) > query.limit:
            break
    return PlannedFires(list(rows)[: query.limit], complete=False)


async def _plan(core: Core, query: TimelineQuery, reader: Reader) -> Plan:
    await reader.step()
    state = core.state
    if not query.job_name and not query.app_name:
        return state.triggers.plan()
    plan = Plan()
    if not query.job_name:
        names = list(state.jobs_of_app.get(query.app_name, ()))
        for start in range(0, len(names), _NAMES_STEP):
            await reader.step()
            plan.add(state.triggers.of_jobs(names[start : start + _NAMES_STEP]))
        return plan
    job = state.jobs.get(query.job_name)
    if job is not None and query.app_name in {"", job.configuration.app_name}:
        plan.add(state.triggers.of_jobs([query.job_name]))
    return plan

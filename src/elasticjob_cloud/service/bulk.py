"""One change to many jobs, some at a time, so that thousands do not hold up what is due."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.scheduling.commands import ApiCommand, DeregisterJob, SetJobDisabled, TriggerJob

_AT_ONCE: Final = 50  # commands of one turn: some milliseconds of the core's time, and one commit
_PAUSE_SECONDS: Final = 0.005


class BulkAction(StrEnum):
    """What is done to each job."""

    ENABLE = "enable"
    DISABLE = "disable"
    TRIGGER = "trigger"
    DEREGISTER = "deregister"

    def command(self, job_name: str, by: str = "") -> ApiCommand:
        """Give the command for one job. `by`: who asks, which runs tell as `triggeredBy`."""
        match self:
            case BulkAction.ENABLE | BulkAction.DISABLE:
                return SetJobDisabled(job_name, disabled=self is BulkAction.DISABLE)
            case BulkAction.TRIGGER:
                return TriggerJob(job_name, triggered_by=by)
            case BulkAction.DEREGISTER:
                return DeregisterJob(job_name)


class BulkOutcome(NamedTuple):
    """What became of one job; `error` is why it was refused."""

    job_name: str
    error: ElasticJobError | None


async def carry_out_bulk(
    submit: Callable[[ApiCommand], Awaitable[int | None]],
    action: BulkAction,
    job_names: Sequence[str],
    by: str = "",
) -> AsyncIterator[list[BulkOutcome]]:
    """Do something to each of these jobs, as `by` asks; give what became of them, in order, as it is known."""

    async def change(job_name: str) -> BulkOutcome:
        try:
            await submit(action.command(job_name, by))
        except ElasticJobError as error:
            return BulkOutcome(job_name, error)
        return BulkOutcome(job_name, None)

    for start in range(0, len(job_names), _AT_ONCE):
        if start:
            await asyncio.sleep(_PAUSE_SECONDS)
        yield list(await asyncio.gather(*map(change, job_names[start : start + _AT_ONCE])))

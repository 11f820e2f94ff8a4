"""Runs of a scheduler in memory: those that a test puts there."""

from collections.abc import Sequence

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.queries.runs import DaemonExecutionPage, RunDetail, RunPage, RunQuery
from elasticjob_cloud.service.port import ShardChoice


class MemoryRuns:
    """Answers with what it was given, and notes what was asked of it."""

    def __init__(self) -> None:
        self.details: dict[int, RunDetail] = {}
        self.next: str | None = None
        self.executions = DaemonExecutionPage([], None)
        self.queries: list[RunQuery] = []
        self.killed: list[tuple[int, str]] = []
        self.rerun_asked: list[tuple[int, ShardChoice | Sequence[int], str]] = []

    async def page(self, query: RunQuery) -> RunPage:
        self.queries.append(query)
        return RunPage([detail.run for detail in self.details.values()], self.next)

    async def run(self, run_id: int) -> RunDetail:
        if run_id not in self.details:
            raise NotFoundError(f"There is no run {run_id}.")
        return self.details[run_id]

    async def daemon_executions(self, query: RunQuery) -> DaemonExecutionPage:
        self.queries.append(query)
        return self.executions

    async def kill(self, run_id: int, killed_by: str = "") -> None:
        await self.run(run_id)
        self.killed.append((run_id, killed_by))

    async def rerun(self, run_id: int, shards: ShardChoice | Sequence[int], triggered_by: str = "") -> int:
        await self.run(run_id)
        self.rerun_asked.append((run_id, shards, triggered_by))
        return max(self.details) + 1

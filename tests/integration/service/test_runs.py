"""Which command the kill or rerun of a run becomes, by what a real store knows of the run."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from elasticjob_cloud.model.errors import (
    CallerError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotLeadingError,
)
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.runs import RunQuery
from elasticjob_cloud.model.records import AttemptEnd, Changes, FireRecord, JobRecord, StatusTrace
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.scheduling.commands import ApiCommand, KillRun, RerunShards
from elasticjob_cloud.service.port import ShardChoice
from elasticjob_cloud.service.runs import Runs
from elasticjob_cloud.store import SqlStore
from tests.contract.store.samples import app, job

pytestmark = pytest.mark.anyio
_NEW_RUN = 100
T = TypeVar("T")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Asked:
    """Takes the commands in the place of the loop, and leads while it has a core."""

    def __init__(self) -> None:
        self.commands: list[ApiCommand] = []
        self.core: Core | None = None

    async def query(self, read: Callable[[Core], T]) -> T:
        if self.core is None:
            raise NotLeadingError("No scheduler leads.")
        return read(self.core)

    async def submit(self, command: ApiCommand) -> int | None:
        self.commands.append(command)
        return _NEW_RUN if isinstance(command, RerunShards) else None


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def runs(tmp_path: Path, asked: Asked) -> Iterator[Runs]:
    store = SqlStore(f"sqlite:///{tmp_path}/runs.db")
    store.migrate()
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    ended = FireRecord(
        1,
        "job",
        FireSource.CRON,
        1,
        FireState.COMPLETED,
        1,
        app_name="app",
        outcome=RunState.FAILED,
        shard_total=4,
    )
    rows = [
        msgspec.structs.replace(ended, succeeded_shards=2, failed_tasks=1, killed_shards=1),
        msgspec.structs.replace(ended, fire_id=2, state=FireState.RUNNING, outcome=None),
        msgspec.structs.replace(
            ended, fire_id=3, source=FireSource.RERUN, items=(1, 3), shard_total=2, failed_tasks=2
        ),
        msgspec.structs.replace(ended, fire_id=4, outcome=None, shard_total=0, failed_tasks=1),
        msgspec.structs.replace(
            ended, fire_id=5, outcome=RunState.SUCCEEDED, shard_total=1, succeeded_shards=1
        ),
    ]
    attempts = [
        *(_attempt(1, item, success) for item, success in enumerate((True, False, False, True))),
        _attempt(1, 0, success=False),
        *(_attempt(3, item, success=False) for item in (1, 3)),
        _attempt(5, 0, success=True),
    ]
    fires = {row.fire_id: row for row in rows}
    assert store.commit(epoch, Changes(fires=fires, status_traces=attempts))
    with ThreadPoolExecutor(1) as threads:
        yield Runs(store, asked.submit, asked.query, threads)
    store.close()


def _attempt(fire_id: int, item: int, success: bool) -> StatusTrace:
    state = "TASK_FINISHED" if success else "TASK_FAILED"
    end = AttemptEnd(fire_id, 1, 1, 1, success)
    return StatusTrace("job", "", f"{fire_id}-{item}-{success}", "a", "s", "READY", item, state, "", 1, end)


@pytest.mark.parametrize(
    "run_id,shards,items",
    [
        (1, ShardChoice.FAILED, (1, 2)),
        (1, ShardChoice.ALL, ()),
        (1, [3], (3,)),
        (3, ShardChoice.FAILED, (1, 3)),
        (3, ShardChoice.ALL, (1, 3)),
        (4, ShardChoice.ALL, ()),
    ],
)
async def test_a_rerun_is_of_the_shards_that_were_chosen(
    runs: Runs, asked: Asked, run_id: int, shards: ShardChoice | list[int], items: tuple[int, ...]
) -> None:
    assert await runs.rerun(run_id, shards, "ada") == _NEW_RUN
    assert asked.commands == [RerunShards("job", run_id, items, "ada")]


@pytest.mark.parametrize(
    "run_id,shards,error",
    [
        (9, ShardChoice.ALL, NotFoundError),
        (2, ShardChoice.ALL, ConflictError),
        (4, ShardChoice.FAILED, ConflictError),
        (5, ShardChoice.FAILED, ConflictError),
        (1, [], InvalidRequestError),
    ],
)
async def test_a_rerun_of_nothing_that_is_known_is_refused(
    runs: Runs, asked: Asked, run_id: int, shards: ShardChoice | list[int], error: type[CallerError]
) -> None:
    with pytest.raises(error):
        await runs.rerun(run_id, shards)
    assert asked.commands == []


async def test_a_kill_names_the_runs_job(runs: Runs, asked: Asked) -> None:
    await runs.kill(2, "ada")
    with pytest.raises(NotFoundError):
        await runs.kill(9)

    assert asked.commands == [KillRun("job", 2, "ada")]


async def test_runs_are_read_from_the_store(runs: Runs) -> None:
    page = await runs.page(RunQuery())
    detail = await runs.run(1)
    executions = await runs.daemon_executions(RunQuery())

    assert [run.run_id for run in page.rows] == [5, 4, 3, 2, 1]
    assert len(detail.attempts) == 5
    assert executions.rows == []
    with pytest.raises(NotFoundError):
        await runs.run(9)


async def test_runs_that_wait_have_the_cores_reason_while_a_scheduler_leads(
    tmp_path: Path, asked: Asked
) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/waiting.db")
    store.migrate()
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    first = FireRecord(1, "job", FireSource.TRIGGER, 1, FireState.WAITING, 1, app_name="app", shard_total=1)
    fires = {1: first, 2: msgspec.structs.replace(first, fire_id=2)}
    assert store.commit(epoch, Changes(apps={"app": app()}, jobs={"job": JobRecord(job())}, fires=fires))
    with ThreadPoolExecutor(1) as threads:
        runs = Runs(store, asked.submit, asked.query, threads)
        assert [run.reason for run in (await runs.page(RunQuery())).rows] == ["", ""]
        asked.core = Core(store.load(), CoreSettings(), lambda: "id")
        second, oldest = (await runs.page(RunQuery())).rows
        detail = await runs.run(1)
    store.close()
    assert (oldest.run_id, oldest.reason) == (1, "No agent is there to run it.")
    assert (second.run_id, second.reason) == (2, "Waits until the job's earlier run has ended.")
    assert detail.run == oldest

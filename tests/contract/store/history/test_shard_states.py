"""The states of the shards of many runs: the same that each run's own page shows."""

from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.queries.runs import RunQuery
from elasticjob_cloud.model.queries.shards import SHARDS_AT_MOST
from elasticjob_cloud.model.records import AttemptEnd, Changes, FailoverRecord, FireRecord, StatusTrace
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, changes)


def fire(
    fire_id: int, outcome: RunState | None, total: int, *, succeeded: int = 0, items: tuple[int, ...] = ()
) -> FireRecord:
    return FireRecord(
        fire_id,
        "job",
        FireSource.CRON,
        1000,
        FireState.RUNNING if outcome is None else FireState.COMPLETED,
        1000,
        outcome=outcome,
        shard_total=total,
        succeeded_shards=succeeded,
        items=items,
    )


def ended(
    fire_id: int, item: int, state: TaskState, *, success: bool = False, attempt: int = 1
) -> StatusTrace:
    trace = samples.status_trace(f"t-{fire_id}-{item}-{attempt}", state=state.value)
    end = AttemptEnd(fire_id, attempt, 900 + attempt, 950, success)
    return msgspec.structs.replace(trace, sharding_item=item, attempt_end=end)


def shown(store: Store) -> dict[int, str | None]:
    return {run.run_id: run.shard_states for run in store.runs(RunQuery(with_shards=True)).rows}


def test_each_item_has_the_letter_of_its_last_attempt(store: Store) -> None:
    live = msgspec.structs.replace(samples.task("live", 1), item=3, attempt=2, staged_ms=2000)
    commit(
        store,
        Changes(
            fires={
                1: fire(1, None, 6),
                2: fire(2, RunState.FAILED, 3),
                3: fire(3, RunState.KILLED, 2),
                4: fire(4, RunState.FAILED, 2, items=(1, 4)),
            },
            tasks={"live": live},
            failovers={(1, 2): FailoverRecord(1, "job", 2, "t", "agent", 2, 5)},
            status_traces=[
                ended(1, 0, TaskState.FINISHED, success=True),
                ended(1, 1, TaskState.FINISHED),
                ended(1, 2, TaskState.LOST),
                ended(1, 3, TaskState.LOST),
                ended(2, 0, TaskState.FINISHED, success=True, attempt=2),
                ended(2, 0, TaskState.LOST),
                ended(2, 1, TaskState.KILLED),
                ended(2, 2, TaskState.FAILED),
                ended(3, 0, TaskState.LOST),
                ended(3, 1, TaskState.FINISHED, success=True),
                ended(4, 1, TaskState.FAILED),
                ended(4, 4, TaskState.FINISHED, success=True),
            ],
        ),
    )
    assert shown(store) == {1: "SFWRWW", 2: "SKF", 3: "KS", 4: "-F--S"}


def test_a_run_whose_shards_are_alike_needs_no_traces(store: Store) -> None:
    waiting = msgspec.structs.replace(fire(2, None, 3), state=FireState.WAITING)
    dropped = msgspec.structs.replace(fire(3, None, 2), state=FireState.DROPPED)
    fires = {1: fire(1, RunState.SUCCEEDED, 4, succeeded=4), 2: waiting, 3: dropped}
    commit(store, Changes(fires=fires))
    assert shown(store) == {1: "SSSS", 2: "WWW", 3: "DD"}


def test_what_is_not_known_is_not_made_up(store: Store) -> None:
    fires = {
        1: fire(1, RunState.FAILED, 2),  # its traces are gone
        2: fire(2, RunState.SUCCEEDED, 0),  # of an earlier version
        3: fire(3, RunState.SUCCEEDED, SHARDS_AT_MOST + 1, succeeded=SHARDS_AT_MOST + 1),
    }
    commit(store, Changes(fires=fires))
    assert shown(store) == {1: None, 2: None, 3: None}


def test_nobody_is_told_who_does_not_ask(store: Store) -> None:
    commit(store, Changes(fires={1: fire(1, RunState.SUCCEEDED, 1, succeeded=1)}))
    assert [run.shard_states for run in store.runs(RunQuery()).rows] == [None]

"""One task: while it lives, after its end, and what is left of it of earlier versions."""

from collections.abc import Iterator

import msgspec
import pytest

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.queries.tasks import TRACES_SHOWN, TaskDetail
from elasticjob_cloud.model.records import AttemptEnd, Changes, ExecutionTrace, JobRecord, StatusTrace
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.store import Store
from elasticjob_cloud.store.history import task_detail
from tests.contract.store import samples
from tests.contract.store.factories import STORE_FACTORIES

FIRST = "job@-@2@-@READY@-@agent-1@-@a"
SECOND = "job@-@2@-@FAILOVER@-@agent-2@-@b"
THIRD = "job@-@2@-@FAILOVER@-@agent-1@-@c"
OTHER_ITEM = "job@-@3@-@READY@-@agent-1@-@d"
SUMMARY = "exit code 3: FATAL: quota exceeded"


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: Changes) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(epoch, changes)


def task_of(store: Store, task_id: str) -> TaskDetail:
    detail = store.task(task_id)
    assert detail is not None
    return detail


def trace(
    task_id: str,
    state: TaskState,
    time_ms: int,
    message: str = "",
    end: AttemptEnd | None = None,
    original: str = "",
) -> StatusTrace:
    line = samples.status_trace(task_id, time_ms, state=state.value, message=message)
    item = int(task_id.split("@-@")[1])
    return msgspec.structs.replace(line, sharding_item=item, attempt_end=end, original_task_id=original)


def run_of_three_attempts() -> Changes:
    """The first failed, the second was lost, the third runs."""
    third = msgspec.structs.replace(
        samples.task(THIRD),
        item=2,
        type=TaskType.FAILOVER,
        agent_id="agent-1",
        state=TaskState.RUNNING,
        staged_ms=3000,
        running_ms=3100,
        attempt=3,
        original_task_id=SECOND,
    )
    return Changes(
        jobs={"job": JobRecord(msgspec.structs.replace(samples.job(), sharding_item_parameters="2=Beijing"))},
        fires={1: msgspec.structs.replace(samples.fire(1), app_name="app", shard_total=4)},
        tasks={THIRD: third},
        executions=[msgspec.structs.replace(samples.execution(FIRST), is_success=False)],
        status_traces=[
            trace(FIRST, TaskState.STAGING, 1000),
            trace(OTHER_ITEM, TaskState.STAGING, 1000),
            trace(FIRST, TaskState.RUNNING, 1100),
            trace(
                FIRST,
                TaskState.FAILED,
                1900,
                "Exit code 3.",
                AttemptEnd(1, 1, 1000, 1100, success=False, exit_code=3, summary=SUMMARY),
            ),
            trace(SECOND, TaskState.STAGING, 2000, original=FIRST),
            trace(
                SECOND,
                TaskState.LOST,
                2900,
                "Its agent is gone.",
                AttemptEnd(1, 2, 2000, 0, success=False, signal=9, summary="lost"),
                FIRST,
            ),
            trace(THIRD, TaskState.STAGING, 3000, original=SECOND),
            trace(THIRD, TaskState.RUNNING, 3100, original=SECOND),
            trace(OTHER_ITEM, TaskState.FINISHED, 2500, end=AttemptEnd(1, 1, 1000, 1100, success=True)),
        ],
    )


def test_a_task_that_has_ended_shows_how_and_what_came_after_it(store: Store) -> None:
    commit(store, run_of_three_attempts())
    task = task_of(store, FIRST)
    assert (task.job_name, task.app_name, task.run_id, task.item, task.type) == ("job", "app", 1, 2, "READY")
    assert (task.agent_id, task.hostname, task.ip) == ("agent-1", "host", "10.0.0.1")
    assert (task.staged_ms, task.start_ms, task.end_ms) == (1000, 1100, 1900)
    assert (task.state, task.success, task.exit_code, task.signal) == (TaskState.FAILED, False, 3, 0)
    assert (task.summary, task.detail) == (SUMMARY, "Exit code 3.")
    assert (task.attempt, task.original_task_id, task.later_task_ids) == (1, "", (SECOND, THIRD))
    assert (task.is_daemon, task.is_idle, task.kill_reason) == (False, False, "")
    assert task.configuration is not None
    assert task.configuration.sharding_item_parameters == "2=Beijing"
    assert [(it.state, it.time_ms, it.message) for it in task.traces] == [
        (TaskState.STAGING, 1000, ""),
        (TaskState.RUNNING, 1100, ""),
        (TaskState.FAILED, 1900, "Exit code 3."),
    ]
    assert task.has_all_traces


def test_a_live_task_shows_in_whose_place_it_runs(store: Store) -> None:
    commit(store, run_of_three_attempts())
    task = task_of(store, THIRD)
    assert (task.state, task.success, task.end_ms, task.hostname) == (TaskState.RUNNING, None, 0, "")
    assert (task.staged_ms, task.start_ms, task.attempt, task.type) == (3000, 3100, 3, "FAILOVER")
    assert (task.original_task_id, task.original_summary, task.later_task_ids) == (SECOND, "lost", ())
    second = task_of(store, SECOND)
    assert (second.original_summary, second.later_task_ids, second.signal) == (SUMMARY, (THIRD,), 9)
    assert task_of(store, OTHER_ITEM).later_task_ids == ()


def test_a_task_of_which_nothing_is_recorded_is_not_there(store: Store) -> None:
    commit(store, run_of_three_attempts())
    assert store.task(FIRST.replace("@-@a", "@-@x")) is None


def test_a_task_of_an_earlier_version_shows_what_its_lines_tell(store: Store) -> None:
    lines = [
        trace(FIRST, TaskState.STAGING, 1000),
        trace(FIRST, TaskState.RUNNING, 1100),
        trace(FIRST, TaskState.FAILED, 1900, "Exit code 3."),
    ]
    commit(store, Changes(status_traces=lines))
    task = task_of(store, FIRST)
    assert (task.staged_ms, task.start_ms, task.end_ms) == (1000, 1100, 1900)
    assert (task.state, task.success, task.detail) == (TaskState.FAILED, None, "Exit code 3.")
    assert (task.run_id, task.attempt, task.is_daemon, task.configuration) == (0, 0, None, None)


def daemon_lines(count: int) -> tuple[list[StatusTrace], list[ExecutionTrace]]:
    messages = ("BEGIN", "COMPLETE")
    turns = [trace(FIRST, TaskState.RUNNING, 2000 + number, messages[number % 2]) for number in range(count)]
    lines = [trace(FIRST, TaskState.STAGING, 1000), *turns]
    executions = [msgspec.structs.replace(samples.execution(FIRST), app_name="app")]
    return lines, executions


def test_a_daemon_task_belongs_to_no_run_and_shows_its_latest_lines(store: Store) -> None:
    lines, executions = daemon_lines(3 * TRACES_SHOWN)
    daemon = msgspec.structs.replace(samples.fire(1), source=FireSource.DAEMON, app_name="app")
    live = msgspec.structs.replace(samples.task(FIRST), item=2, idle=True, state=TaskState.RUNNING)
    commit(store, Changes(fires={1: daemon}, tasks={FIRST: live}, executions=executions, status_traces=lines))
    task = task_of(store, FIRST)
    assert (task.is_daemon, task.run_id, task.is_idle) == (True, 0, True)
    assert not task.has_all_traces
    assert len(task.traces) == TRACES_SHOWN
    assert task.traces[0].state is TaskState.STAGING
    assert task.traces[-1].time_ms == 2000 + 3 * TRACES_SHOWN - 1
    times = [it.time_ms for it in task.traces]
    assert times == sorted(times)


def test_the_latest_lines_are_looked_for_in_bounded_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_detail, "_LINES_LOOKED_AT", 10)
    lines, executions = daemon_lines(TRACES_SHOWN)
    end = AttemptEnd(1, 1, 1000, 1100, success=False, summary="gone")
    lines.append(trace(FIRST, TaskState.LOST, 50_000, "Its agent is gone.", end))
    later = [trace(SECOND, TaskState.RUNNING, 60_000 + number) for number in range(30)]
    commit(store, Changes(executions=executions, status_traces=[*lines, *later]))
    task = task_of(store, FIRST)
    assert (task.state, task.is_daemon) == (TaskState.LOST, True)
    assert [it.state for it in task.traces].count(TaskState.RUNNING) == 9
    assert task.traces[-1].state is TaskState.LOST


def test_a_run_that_was_deleted_leaves_its_tasks(store: Store) -> None:
    changes = run_of_three_attempts()
    changes.fires = {2: samples.fire(2, FireState.COMPLETED)}
    commit(store, changes)
    task = task_of(store, FIRST)
    assert (task.run_id, task.app_name, task.configuration) == (1, "", None)

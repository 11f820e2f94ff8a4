"""Whether and when a shard is started again (promise 6)."""

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.records import FailoverRecord, TaskRecord
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.settings import CoreSettings
from elasticjob_cloud.scheduling.state.run import ReadOnlyRun
from elasticjob_cloud.scheduling.state.turn import Turn

_FAILED_OVER = frozenset({TaskState.LOST, TaskState.FAILED, TaskState.ERROR})


def plan_restart(turn: Turn, run: ReadOnlyRun, task: TaskRecord, state: TaskState) -> FailoverRecord | None:
    """Give how the shard of a task that ended so is started again, or None where that is its end."""
    configuration = run.configuration
    assert configuration is not None, "a run without its job is stopping"
    # By what the run was started as: the job may have become another kind since.
    is_daemon = run.fire.source is FireSource.DAEMON
    if task.is_being_killed and not is_daemon:
        return None
    if state is TaskState.DROPPED:  # it never started, so this is no failover
        return _restart_of(task, task.attempt, _paced_ms(turn, task), task.original_task_id)
    original = task.original_task_id or task.task_id
    if is_daemon:
        attempt = 1 if _ran_long(turn, task) else task.attempt + 1
        lost = state is TaskState.LOST
        due_ms = _at_once_ms(turn, task) if lost else turn.now_ms + backoff_ms(turn.settings, attempt)
        return _restart_of(task, attempt, due_ms, original)
    if not configuration.fails_over or state not in _FAILED_OVER:
        return None
    if state is TaskState.LOST:
        return _restart_of(task, task.attempt, _at_once_ms(turn, task), original)
    if task.attempt >= turn.settings.failover_attempts:
        return None
    attempt = task.attempt + 1
    return _restart_of(task, attempt, turn.now_ms + backoff_ms(turn.settings, attempt), original)


def backoff_ms(settings: CoreSettings, attempt: int) -> int:
    """Give how long to wait before this start of a shard: doubling from the second one on, up to the longest."""
    doublings = min(max(attempt - 2, 0), 30)
    return int(min(settings.backoff_first_ms * 2**doublings, settings.backoff_longest_ms))


def shift_retries(turn: Turn, jump_ms: int) -> None:
    """Move what waits for its backoff along with a clock that was set backwards, or it would wait that much longer."""
    turn.tasks.reschedule_restarts({key: it.due_ms + jump_ms for key, it in turn.state.failovers.items()})


def limit_retries(turn: Turn) -> None:
    """Let no shard wait longer than the longest backoff: the clock may have been set backwards while nobody led."""
    longest_ms = turn.now_ms + turn.settings.backoff_longest_ms
    turn.tasks.reschedule_restarts(
        {key: min(it.due_ms, longest_ms) for key, it in turn.state.failovers.items()}
    )


def _restart_of(task: TaskRecord, attempt: int, due_ms: int, original_task_id: str) -> FailoverRecord:
    return FailoverRecord(
        task.fire_id, task.job_name, task.item, original_task_id, task.agent_id, attempt, due_ms
    )


def _at_once_ms(turn: Turn, task: TaskRecord) -> int:
    # An executor that dies as soon as it runs would otherwise keep scheduler and agent busy with nothing else.
    return _paced_ms(turn, task) if task.type is TaskType.FAILOVER else turn.now_ms


def _paced_ms(turn: Turn, task: TaskRecord) -> int:
    first_ms = turn.settings.backoff_first_ms
    return min(max(turn.now_ms, task.staged_ms + first_ms), turn.now_ms + first_ms)


def _ran_long(turn: Turn, task: TaskRecord) -> bool:
    return task.running_ms > 0 and turn.now_ms - task.running_ms >= turn.settings.backoff_longest_ms

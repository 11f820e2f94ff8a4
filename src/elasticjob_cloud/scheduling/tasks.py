"""What a task's status leads to: its run ends, or the shard is started again (promises 2, 3 and 6)."""

import msgspec

from elasticjob_cloud.model.messages import Kill, TaskStatus
from elasticjob_cloud.model.records import FailoverRecord, FireState, TaskRecord
from elasticjob_cloud.model.task import TaskState, may_become
from elasticjob_cloud.scheduling.launching import make_ready
from elasticjob_cloud.scheduling.state import Run
from elasticjob_cloud.scheduling.turn import Turn

_FAILED_OVER = frozenset({TaskState.LOST, TaskState.FAILED, TaskState.ERROR})
BEGIN = "BEGIN"
COMPLETE = "COMPLETE"


def take_status(turn: Turn, agent_id: str, status: TaskStatus) -> None:
    """Take up what an agent says of a task. A late or repeated status changes nothing."""
    task = turn.state.tasks.get(status.task_id)
    if task is None:
        if not status.state.is_terminal:
            turn.send(agent_id, Kill((status.task_id,), "The scheduler does not know this task."))
        return
    if status.state is TaskState.STAGING or not may_become(task.state, status.state):
        return
    if status.state is TaskState.RUNNING:
        _run_task(turn, task, status)
    else:
        if status.execution is not None:
            turn.trace_execution(task, status.execution, turn.state.runs[task.job_name].fire.source)
        end_task(
            turn, task, status.state, status.message, time_ms=status.time_ms, by_executor=status.by_executor
        )


def end_task(
    turn: Turn,
    task: TaskRecord,
    state: TaskState,
    message: str,
    *,
    time_ms: int = 0,
    by_executor: bool = False,
) -> None:
    """Record a task's end, free its room, and see to its shard."""
    turn.trace_status(task, state, message, time_ms=time_ms, by_executor=by_executor)
    ended = turn.decisions.ended
    ended[state.value] = ended.get(state.value, 0) + 1
    turn.drop_task(task)
    turn.state.room_freed = True
    run = turn.state.runs[task.job_name]
    failover = None if run.is_stopping else _plan_restart(turn, run, task, state)
    if failover is not None:
        turn.put_failover(failover)
        turn.state.retries.push(failover)
    else:
        _end_item(turn, run, task.item, failed=state is not TaskState.FINISHED)
    _finish_removal(turn, task.app_name)


def kill_task(turn: Turn, task: TaskRecord, reason: str) -> None:
    """Have a task's agent end it. The task stays live until its agent says that it is gone."""
    turn.put_task(msgspec.structs.replace(task, kill_reason=reason))
    turn.send(task.agent_id, Kill((task.task_id,), reason))


def stop_run(turn: Turn, job_name: str, reason: str) -> None:
    """Kill all tasks of a job's run and start none of its shards again: the job is disabled, removed or replaced."""
    run = turn.state.runs.get(job_name)
    if run is None:
        return
    run.fire = msgspec.structs.replace(run.fire, reason=reason)
    turn.put_fire(run.fire)
    for task_id in list(turn.state.tasks_of_job.get(job_name, ())):
        kill_task(turn, turn.state.tasks[task_id], reason)
    for item in sorted(run.open_items):
        failover = turn.state.failovers.get((run.fire.fire_id, item))
        if failover is not None:
            turn.drop_failover(failover)
            _end_item(turn, run, item, failed=True)


def _run_task(turn: Turn, task: TaskRecord, status: TaskStatus) -> None:
    if task.state is TaskState.RUNNING and not status.message:
        return
    idle = status.message == COMPLETE
    running_ms = task.running_ms or status.time_ms
    turn.put_task(msgspec.structs.replace(task, state=TaskState.RUNNING, idle=idle, running_ms=running_ms))
    turn.trace_status(
        task, TaskState.RUNNING, status.message, time_ms=status.time_ms, by_executor=status.by_executor
    )
    if status.execution is not None:
        turn.trace_execution(task, status.execution, turn.state.runs[task.job_name].fire.source)


def _plan_restart(turn: Turn, run: Run, task: TaskRecord, state: TaskState) -> FailoverRecord | None:
    configuration = run.configuration
    if configuration is None:
        return None
    if state is TaskState.DROPPED:  # it never started, so this is no failover (promise 6)
        return _restart_of(task, task.attempt, turn.now_ms, original_task_id=task.original_task_id)
    if configuration.is_daemon:
        attempt = 1 if _ran_long(turn, task) else task.attempt + 1
        delay = 0 if state is TaskState.LOST else _backoff_ms(turn, attempt)
        return _restart_of(task, attempt, turn.now_ms + delay)
    if not configuration.fails_over or state not in _FAILED_OVER or task.kill_reason:
        return None
    if state is TaskState.LOST:
        return _restart_of(task, task.attempt, turn.now_ms)
    if task.attempt >= turn.settings.failover_attempts:
        return None
    return _restart_of(task, task.attempt + 1, turn.now_ms + _backoff_ms(turn, task.attempt + 1))


def _restart_of(
    task: TaskRecord, attempt: int, due_ms: int, *, original_task_id: str | None = None
) -> FailoverRecord:
    original = original_task_id if original_task_id is not None else (task.original_task_id or task.task_id)
    return FailoverRecord(task.fire_id, task.job_name, task.item, original, task.agent_id, attempt, due_ms)


def _backoff_ms(turn: Turn, attempt: int) -> int:
    settings = turn.settings
    doublings = min(max(attempt - 2, 0), 30)
    return int(min(settings.backoff_first_ms * 2**doublings, settings.backoff_longest_ms))


def _ran_long(turn: Turn, task: TaskRecord) -> bool:
    return task.running_ms > 0 and turn.now_ms - task.running_ms >= turn.settings.backoff_longest_ms


def _end_item(turn: Turn, run: Run, item: int, *, failed: bool) -> None:
    run.open_items.discard(item)
    if failed:
        run.fire = msgspec.structs.replace(run.fire, failed_tasks=run.fire.failed_tasks + 1)
    if run.open_items:
        if failed:
            turn.put_fire(run.fire)
        return
    state = turn.state
    turn.put_fire(msgspec.structs.replace(run.fire, state=FireState.COMPLETED, ended_ms=turn.now_ms))
    del state.runs[run.fire.job_name]
    waiting = state.waiting.get(run.fire.job_name)
    if waiting:
        make_ready(turn, waiting[0])


def _finish_removal(turn: Turn, app_name: str) -> None:
    app = turn.state.apps.get(app_name)
    if app is not None and app.removing and app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)

"""What a task's status leads to: its run ends, or the shard is started again (promises 2, 3 and 6)."""

from collections.abc import Iterable

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.messages import Execution, Kill, TaskStatus
from elasticjob_cloud.model.records import FailoverRecord, TaskRecord
from elasticjob_cloud.model.results import ShardResult, attempt_result
from elasticjob_cloud.model.task import TaskState, may_become
from elasticjob_cloud.scheduling.runs.launching import look_for_room
from elasticjob_cloud.scheduling.runs.retries import plan_restart
from elasticjob_cloud.scheduling.state.run import ReadOnlyRun, RunPhase
from elasticjob_cloud.scheduling.state.turn import Turn

BEGIN = "BEGIN"
COMPLETE = "COMPLETE"
NOT_STARTED_AGAIN = "It had failed, and was not started again."  # why it failed, an earlier leader knew


def take_status(turn: Turn, agent_id: str, status: TaskStatus) -> None:
    """Take up what an agent says of a task. A late or repeated status changes nothing."""
    task = turn.state.tasks.get(status.task_id)
    if task is None:
        _take_unknown(turn, agent_id, status)
        return
    if status.state is TaskState.STAGING or not may_become(task.state, status.state):
        return
    if status.state is TaskState.RUNNING:
        _run_task(turn, task, status)
    else:
        end_task(turn, task, status)


def lose_task(turn: Turn, task: TaskRecord, reason: str) -> None:
    """Record that a task's agent is gone, or does not know it."""
    end_task(turn, task, TaskStatus(task.task_id, TaskState.LOST, turn.now_ms, reason))


def end_task(turn: Turn, task: TaskRecord, status: TaskStatus) -> None:
    """Record a task's end, free its room, and see to its shard."""
    run = turn.state.runs[task.job_name]
    execution = status.execution
    result = attempt_result(
        status.state,
        execution_succeeded=execution is None or execution.success,
        kill_requested=bool(task.kill_reason),
    )
    execution = execution or _cut_off(turn, task, status, result, run.fire.source)
    if execution is not None:
        turn.trace.execution(task, status, execution, run.fire.source)
    summary = ""
    if result is not ShardResult.SUCCEEDED:
        summary = task.kill_reason if result is ShardResult.KILLED else status.summary
    turn.tasks.end(task, status.state)
    turn.trace.end(task, status, result, summary, run.fire.source)
    failover = plan_restart(turn, run, task, status.state) if run.phase is RunPhase.RUNNING else None
    if failover is not None:
        turn.tasks.wait_for_restart(failover)
        turn.fires.note_failure(task.job_name, task.item, summary)
    else:
        _end_item(turn, task.job_name, task.item, result, summary)
    _finish_removal(turn, task.app_name)


def _cut_off(
    turn: Turn, task: TaskRecord, status: TaskStatus, result: ShardResult, source: FireSource
) -> Execution | None:
    """Give the execution of a daemon that nobody tells of: it was lost, or its task failed before there was one.

    Executions are all that is counted and shown of daemons. One that never succeeds must not look as if all was well.
    """
    if (
        source is not FireSource.DAEMON
        or result is not ShardResult.FAILED
        or status.state is TaskState.DROPPED
    ):
        return None
    # A task that was lost while it waited, for its start or its next execution, has cost none.
    if status.state is TaskState.LOST and (task.idle or task.state is TaskState.STAGING):
        return None
    time_ms = status.time_ms or turn.now_ms
    return Execution(time_ms, time_ms, success=False, failure_cause=status.message)


def kill_tasks(turn: Turn, tasks: Iterable[TaskRecord], reason: str) -> None:
    """Have agents end these tasks. A task stays live until its agent says that it is gone."""
    of_agent: dict[str, list[str]] = {}
    for task in tasks:
        turn.tasks.kill(task, reason)
        of_agent.setdefault(task.agent_id, []).append(task.task_id)
    for agent_id, task_ids in of_agent.items():
        turn.send(agent_id, Kill(tuple(task_ids), reason))


def stop_run(turn: Turn, job_name: str, reason: str) -> None:
    """Kill all tasks of a job's run and start none of its shards again: the job is disabled, removed or replaced."""
    state = turn.state
    run = state.runs.get(job_name)
    if run is None:
        return
    turn.fires.stop(job_name, reason)
    kill_tasks(turn, [state.tasks[task_id] for task_id in state.tasks_of_job.get(job_name, ())], reason)
    for item in sorted(run.open_items):
        failover = state.failovers.get((run.fire.fire_id, item))
        if failover is not None:
            turn.tasks.drop_restart(failover)
            _end_waiting_item(turn, run, failover, reason)


def _take_unknown(turn: Turn, agent_id: str, status: TaskStatus) -> None:
    if not status.state.is_terminal:
        turn.send(agent_id, Kill((status.task_id,), "The scheduler does not know this task."))
        return
    if agent_id in turn.state.agents:  # its executor may have refused to stop because of this task
        turn.agents.forget_stops(agent_id)


def _run_task(turn: Turn, task: TaskRecord, status: TaskStatus) -> None:
    if task.state is TaskState.RUNNING and not status.message:
        return
    idle = status.message == COMPLETE
    running_ms = task.running_ms or status.time_ms
    turn.tasks.run(task, idle=idle, running_ms=running_ms)
    turn.trace.status(
        task, TaskState.RUNNING, status.message, time_ms=status.time_ms, by_executor=status.by_executor
    )
    if status.execution is not None:
        source = turn.state.runs[task.job_name].fire.source
        turn.trace.execution(task, status, status.execution, source)


def _end_waiting_item(turn: Turn, run: ReadOnlyRun, failover: FailoverRecord, reason: str) -> None:
    """End a shard that was to be started again: as its last attempt did, if that ever ran."""
    item = failover.item
    if failover.original_task_id:
        summary = run.failures.get(item) or NOT_STARTED_AGAIN
        _end_item(turn, failover.job_name, item, ShardResult.FAILED, summary)
    else:
        _end_item(turn, failover.job_name, item, ShardResult.KILLED, reason)


def _end_item(turn: Turn, job_name: str, item: int, result: ShardResult, summary: str) -> None:
    if turn.fires.end_item(job_name, item, result, summary):
        look_for_room(turn, job_name)


def _finish_removal(turn: Turn, app_name: str) -> None:
    app = turn.state.apps.get(app_name)
    if app is not None and app.removing and app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)

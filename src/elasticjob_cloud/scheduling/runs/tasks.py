"""What a task's status leads to: its run ends, or the shard is started again (promises 2, 3 and 6)."""

from collections.abc import Iterable

from elasticjob_cloud.model.messages import Kill, TaskStatus
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.model.task import TaskState, may_become
from elasticjob_cloud.scheduling.runs.launching import look_for_room
from elasticjob_cloud.scheduling.runs.retries import plan_restart
from elasticjob_cloud.scheduling.state.run import RunState
from elasticjob_cloud.scheduling.state.turn import Turn

BEGIN = "BEGIN"
COMPLETE = "COMPLETE"


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
        if status.execution is not None:
            turn.trace.execution(task, status.execution, turn.state.runs[task.job_name].fire.source)
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
    turn.tasks.end(task, state)
    turn.trace.status(task, state, message, time_ms=time_ms, by_executor=by_executor)
    run = turn.state.runs[task.job_name]
    failover = plan_restart(turn, run, task, state) if run.state is RunState.RUNNING else None
    if failover is not None:
        turn.tasks.wait_for_restart(failover)
    else:
        _end_item(turn, task.job_name, task.item, failed=state is not TaskState.FINISHED)
    _finish_removal(turn, task.app_name)


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
            _end_item(turn, job_name, item, failed=True)


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
        turn.trace.execution(task, status.execution, turn.state.runs[task.job_name].fire.source)


def _end_item(turn: Turn, job_name: str, item: int, *, failed: bool) -> None:
    if turn.fires.end_item(job_name, item, failed=failed):
        look_for_room(turn, job_name)


def _finish_removal(turn: Turn, app_name: str) -> None:
    app = turn.state.apps.get(app_name)
    if app is not None and app.removing and app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)

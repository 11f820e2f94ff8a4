"""What a task's status leads to: its run ends, or the shard is started again (promises 2, 3 and 6)."""

from collections.abc import Iterable

import msgspec

from elasticjob_cloud.model.messages import Kill, TaskStatus
from elasticjob_cloud.model.records import FireState, TaskRecord
from elasticjob_cloud.model.task import TaskState, may_become
from elasticjob_cloud.scheduling.runs.launching import make_ready_anew
from elasticjob_cloud.scheduling.runs.retries import plan_restart
from elasticjob_cloud.scheduling.state import Run
from elasticjob_cloud.scheduling.turn import Turn

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
    failover = None if run.is_stopping else plan_restart(turn, run, task, state)
    if failover is not None:
        turn.put_failover(failover)
        turn.state.retries.push(failover)
    else:
        _end_item(turn, run, task.item, failed=state is not TaskState.FINISHED)
    _finish_removal(turn, task.app_name)


def kill_tasks(turn: Turn, tasks: Iterable[TaskRecord], reason: str) -> None:
    """Have agents end these tasks. A task stays live until its agent says that it is gone."""
    of_agent: dict[str, list[str]] = {}
    for task in tasks:
        turn.put_task(msgspec.structs.replace(task, kill_reason=reason))
        of_agent.setdefault(task.agent_id, []).append(task.task_id)
    for agent_id, task_ids in of_agent.items():
        turn.send(agent_id, Kill(tuple(task_ids), reason))


def stop_run(turn: Turn, job_name: str, reason: str) -> None:
    """Kill all tasks of a job's run and start none of its shards again: the job is disabled, removed or replaced."""
    state = turn.state
    run = state.runs.get(job_name)
    if run is None:
        return
    run.fire = msgspec.structs.replace(run.fire, reason=reason)
    keep_settings(turn, run)
    kill_tasks(turn, [state.tasks[task_id] for task_id in state.tasks_of_job.get(job_name, ())], reason)
    for item in sorted(run.open_items):
        failover = state.failovers.get((run.fire.fire_id, item))
        if failover is not None:
            turn.drop_failover(failover)
            _end_item(turn, run, item, failed=True)


def keep_settings(turn: Turn, run: Run) -> None:
    """Record what a run was started with before its job changes: a new leader must go on with that (api.md, PUT /job/update)."""
    if run.fire.configuration is None:
        run.fire = msgspec.structs.replace(run.fire, configuration=run.configuration)
    turn.put_fire(run.fire)


def _take_unknown(turn: Turn, agent_id: str, status: TaskStatus) -> None:
    if not status.state.is_terminal:
        turn.send(agent_id, Kill((status.task_id,), "The scheduler does not know this task."))
        return
    agent = turn.state.agents.get(agent_id)
    if agent is not None:  # its executor may have refused to stop because of this task
        agent.forget_stops()
        turn.state.room_freed = True


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


def _end_item(turn: Turn, run: Run, item: int, *, failed: bool) -> None:
    run.open_items.discard(item)
    if failed:
        run.fire = msgspec.structs.replace(run.fire, failed_tasks=run.fire.failed_tasks + 1)
    if run.open_items:
        if failed:
            turn.put_fire(run.fire)
        return
    ended = msgspec.structs.replace(
        run.fire, state=FireState.COMPLETED, ended_ms=turn.now_ms, configuration=None
    )
    turn.put_fire(ended)
    del turn.state.runs[run.fire.job_name]
    make_ready_anew(turn, run.fire.job_name)


def _finish_removal(turn: Turn, app_name: str) -> None:
    app = turn.state.apps.get(app_name)
    if app is not None and app.removing and app_name not in turn.state.tasks_of_app:
        turn.remove_app(app_name)

"""Agents that come, tell and go: what they hold is held against what the core believes (reconcile)."""

from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    ExecutorStarted,
    ExecutorStopped,
    Inventory,
    Kill,
    Launch,
    RemoveApp,
    TaskStatus,
)
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.placement.agent import ReadOnlyAgent
from elasticjob_cloud.scheduling.placement.room import NOTHING, Room
from elasticjob_cloud.scheduling.runs.demands import executor_room
from elasticjob_cloud.scheduling.runs.launching import launch_of
from elasticjob_cloud.scheduling.runs.tasks import lose_task, take_status
from elasticjob_cloud.scheduling.state.turn import Turn


def take_agent_joined(turn: Turn, event: AgentJoined) -> None:
    """Take an agent in, or take it in again, and settle what differs between its word and ours."""
    inventory = event.inventory
    agent_id = inventory.agent.agent_id
    before = turn.state.agents.get(agent_id)
    turn.agents.join(inventory.agent, inventory.predecessors)
    for app_name in inventory.executors:
        turn.agents.executor_started(agent_id, app_name, _executor_room(turn, app_name, before))
        if app_name not in turn.state.apps:
            turn.send(agent_id, RemoveApp(app_name))
    for task in turn.state.tasks_on(agent_id):
        turn.agents.hold_task(
            task, None if task.is_script else _next_executor_room(turn, task.app_name, before)
        )
    for status in inventory.tasks:
        take_status(turn, agent_id, status)
    _settle(turn, inventory)


def take_agent_draining(turn: Turn, event: AgentDraining) -> None:
    """The agent is about to go: it gets no new task, and is released once it holds none (`release`)."""
    turn.agents.drain(event.agent_id, event.reason)


def take_agent_lost(turn: Turn, event: AgentLost) -> None:
    """Nothing that ran on this agent runs any more: its tasks are lost."""
    turn.agents.lose(event.agent_id)
    for task in turn.state.tasks_on(event.agent_id):
        lose_task(turn, task, f"Its agent is gone: {event.reason}")


def take_agent_events(turn: Turn, batch: AgentEvents) -> None:
    """Take up what an agent tells; a batch that was taken up before changes nothing."""
    agent_id = batch.agent_id
    if not turn.agents.take_batch(agent_id, batch.sequence):
        return
    is_there = agent_id in turn.state.agents
    for event in batch.events:
        match event:
            case TaskStatus():
                take_status(turn, agent_id, event)
            case ExecutorStarted() if is_there:
                turn.agents.executor_started(agent_id, event.app_name, _executor_room(turn, event.app_name))
            case ExecutorStopped() if is_there:
                turn.agents.executor_stopped(agent_id, event.app_name)
            case _:
                pass  # an executor of an agent that has since been lost


def _settle(turn: Turn, inventory: Inventory) -> None:
    agent_id = inventory.agent.agent_id
    held = {status.task_id for status in inventory.tasks}
    unsent: dict[int, list[TaskRecord]] = {}
    for task in turn.state.tasks_on(agent_id):
        if task.is_being_killed:
            turn.send(agent_id, Kill((task.task_id,), task.kill_reason))
        elif task.task_id in held:
            continue
        elif task.state is TaskState.STAGING:
            unsent.setdefault(task.fire_id, []).append(task)
        else:
            lose_task(turn, task, "Its agent does not know it.")
    for tasks in unsent.values():
        turn.send(agent_id, _launch_again(turn, tasks))


def _launch_again(turn: Turn, tasks: list[TaskRecord]) -> Launch:
    configuration = turn.state.runs[tasks[0].job_name].configuration
    assert configuration is not None, "a run without its job is stopping, and so has a kill reason"
    return launch_of(turn, configuration, tasks)


def _executor_room(turn: Turn, app_name: str, before: ReadOnlyAgent | None = None) -> Room:
    if before is not None and app_name in before.executors:
        return before.executors[app_name].room  # a running executor keeps what it was started with
    return _next_executor_room(turn, app_name)


def _next_executor_room(turn: Turn, app_name: str, before: ReadOnlyAgent | None = None) -> Room:
    if before is not None and app_name in before.executors:
        return before.executors[app_name].next_room
    app = turn.state.apps.get(app_name)
    return executor_room(app) if app else NOTHING

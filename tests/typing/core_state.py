"""Readers of the core's state: `mypy --strict` refuses each change that does not go through a turn.

An ignore that is no longer needed fails the check (`warn_unused_ignores`): then something here has become changeable.
"""

from elasticjob_cloud.model.records import FireRecord, JobRecord, TaskRecord
from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.scheduling.state.run import RunPhase
from elasticjob_cloud.scheduling.state.turn import Turn


def read(core: Core) -> int:
    return len(core.state.jobs) + sum(len(agent.task_ids) for agent in core.state.agents.values())


def change_configuration(core: Core, job: JobRecord) -> None:
    core.state.jobs["job"] = job  # type: ignore[index]
    core.state.apps.clear()  # type: ignore[attr-defined]
    core.state.put_job(job)  # type: ignore[attr-defined]


def change_fires(turn: Turn, fire: FireRecord) -> None:
    turn.state.waiting["job"].append(fire)  # type: ignore[attr-defined]
    turn.state.runs["job"].fire = fire  # type: ignore[misc]
    turn.state.runs["job"].phase = RunPhase.ENDED  # type: ignore[misc]
    turn.state.runs["job"].become(RunPhase.ENDED)  # type: ignore[attr-defined]
    turn.state.runs["job"].open_items.add(0)  # type: ignore[attr-defined]


def change_agents(turn: Turn, task: TaskRecord) -> None:
    turn.state.agents["agent"].add_task(task, None)  # type: ignore[attr-defined]
    turn.state.agents["agent"].last_seen_ms = 0  # type: ignore[misc]
    turn.state.agents["agent"].task_ids.clear()  # type: ignore[attr-defined]
    turn.state.fleet.drain("agent", "")  # type: ignore[attr-defined]
    turn.state.idle.end("agent")  # type: ignore[attr-defined]


def change_memory(turn: Turn) -> None:
    turn.state.backlog.pop_due(1)  # type: ignore[attr-defined]
    turn.state.backlog.missed_until_ms = 0  # type: ignore[misc]
    turn.state.free_room()  # type: ignore[attr-defined]

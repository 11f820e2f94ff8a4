"""Changes of tasks, and of shards that wait to be started again."""

from collections.abc import Mapping

import msgspec

from elasticjob_cloud.model.records import FailoverKey, FailoverRecord, TaskRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.state.part import TurnPart


class TaskChanges(TurnPart):
    """Changes live tasks, the room that they hold, and the shards that wait to be started again."""

    __slots__ = ()

    def stage(self, task: TaskRecord, executor: Room | None) -> None:
        """Record a new task, and reserve its room, and its app executor's where it needs one that is not there yet."""
        state = self._state
        state.agents[task.agent_id].add_task(task, executor)
        state.idle.end(task.agent_id)
        self._put(task)

    def run(self, task: TaskRecord, *, idle: bool, running_ms: int) -> None:
        """Record that a task runs. `idle`: a daemon's, between executions."""
        self._put(msgspec.structs.replace(task, state=TaskState.RUNNING, idle=idle, running_ms=running_ms))

    def kill(self, task: TaskRecord, reason: str) -> None:
        """Record that a task is to be killed. It stays live until its agent says that it is gone."""
        self._put(msgspec.structs.replace(task, kill_reason=reason))

    def end(self, task: TaskRecord, end: TaskState) -> None:
        """Forget a task that ended so, and give its room back."""
        state = self._state
        agent = state.agents.get(task.agent_id)
        if agent is not None:
            agent.remove_task(task)
            if not agent.task_ids:
                state.idle.begin(task.agent_id, self._monotonic_ms)
        state.drop_task(task)
        state.free_room()
        self._rows.tasks[task.task_id] = None
        ended = self._decisions.ended
        ended[end] = ended.get(end, 0) + 1

    def wait_for_restart(self, failover: FailoverRecord) -> None:
        """Record a shard that waits to be started again."""
        self._put_failover(failover)
        self._state.retries.push(failover)

    def drop_restart(self, failover: FailoverRecord) -> None:
        """Forget a waiting shard: it is started again, or never will be."""
        del self._state.failovers[failover.fire_id, failover.item]
        self._rows.failovers[failover.fire_id, failover.item] = None

    def reschedule_restarts(self, due_ms: Mapping[FailoverKey, int]) -> None:
        """Let each waiting shard be started again from another time on."""
        state = self._state
        state.retries.clear()
        for key, failover in list(state.failovers.items()):
            moved = failover
            if failover.due_ms != due_ms[key]:
                moved = msgspec.structs.replace(failover, due_ms=due_ms[key])
                self._put_failover(moved)
            state.retries.push(moved)

    def _put(self, task: TaskRecord) -> None:
        self._state.put_task(task)
        self._rows.tasks[task.task_id] = task

    def _put_failover(self, failover: FailoverRecord) -> None:
        self._state.failovers[failover.fire_id, failover.item] = failover
        self._rows.failovers[failover.fire_id, failover.item] = failover

"""Changes of agents: who is there, with which executors, and up to which batch its events are recorded."""

from collections.abc import Sequence

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.state.decisions import Decisions
from elasticjob_cloud.scheduling.state.part import TurnPart
from elasticjob_cloud.scheduling.state.state import State


class AgentChanges(TurnPart):
    """Changes agents. They are not stored; only the numbers of their batches are."""

    __slots__ = ("_sequences",)

    def __init__(self, state: State, decisions: Decisions, now: Now) -> None:
        super().__init__(state, decisions, now)
        self._sequences: dict[str, int] = {}

    def join(self, info: AgentInfo, predecessors: Sequence[str]) -> None:
        """Take an agent in, without tasks; one of the same id is replaced. `predecessors` had its place before it."""
        state = self._state
        state.fleet.join(info, predecessors)
        state.agents[info.agent_id].last_seen_ms = self._now_ms
        state.free_room()
        if info.agent_id not in state.tasks_of_agent:
            state.idle.begin(info.agent_id, self._monotonic_ms)

    def hold_task(self, task: TaskRecord, executor: Room | None) -> None:
        """Reserve the room of a live task on the agent that has joined again."""
        self._state.agents[task.agent_id].add_task(task, executor)

    def take_batch(self, agent_id: str, sequence: int) -> bool:
        """Note that an agent tells something; tell whether it is new: what comes again changes nothing (promise 2)."""
        state = self._state
        agent = state.agents.get(agent_id)
        if agent is not None:
            agent.last_seen_ms = self._now_ms
        if sequence <= state.sequences.get(agent_id, 0):
            return False
        if agent is not None:
            self.put_sequence(agent_id, sequence)
        return True

    def drain(self, agent_id: str, reason: str) -> None:
        """Place nothing on an agent from now on; what it runs stays."""
        self._state.fleet.drain(agent_id, reason)

    def note_disks(self, agent_id: str, disks: tuple[Disk, ...]) -> None:
        """Note how full an agent's disks are, if it is there."""
        self._state.fleet.note_disks(agent_id, disks)

    def lose(self, agent_id: str) -> None:
        """Forget an agent that is gone, and what was to be sent to it; the tasks that were placed on it stay."""
        self._state.leave(agent_id)
        self.drop_sequence(agent_id)
        self._decisions.commands.pop(agent_id, None)

    def release(self, agent_ids: Sequence[str]) -> None:
        """Let agents leave that nothing needs, and tell the engine."""
        for agent_id in agent_ids:
            self._state.leave(agent_id)
        self._decisions.released += agent_ids

    def executor_started(self, agent_id: str, app_name: str, room: Room) -> None:
        """Note that an app's executor runs."""
        self._state.agents[agent_id].executor_started(app_name, room)

    def executor_stopping(self, agent_id: str, app_name: str) -> None:
        """Note that an app's executor was told to stop."""
        self._state.agents[agent_id].executors[app_name].stopping = True

    def executor_stopped(self, agent_id: str, app_name: str) -> None:
        """Note that an app's executor is gone, which may free room."""
        self._state.agents[agent_id].executor_stopped(app_name)
        self._state.free_room()

    def forget_stops(self, agent_id: str) -> None:
        """Let executors that were told to stop, and did not, be told again."""
        self._state.agents[agent_id].forget_stops()
        self._state.free_room()

    def put_sequence(self, agent_id: str, sequence: int) -> None:
        """Record up to which batch an agent's events are taken up."""
        self._state.sequences[agent_id] = sequence
        self._sequences[agent_id] = sequence

    def drop_sequence(self, agent_id: str) -> None:
        """Forget it: the agent is gone, or holds nothing that could be recorded twice."""
        self._sequences.pop(agent_id, None)
        if self._state.sequences.pop(agent_id, None) is not None:
            self._rows.sequences[agent_id] = None

    def write_sequences(self) -> None:
        """Have the numbers written with all else that the turn writes; batches that changed nothing may come again."""
        if self._rows:
            self._rows.sequences.update(self._sequences)

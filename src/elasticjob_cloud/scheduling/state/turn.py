"""One turn of the core: the only way to change the state. It records each change as a row to write."""

from collections.abc import Callable

from elasticjob_cloud.model.messages import Command, RemoveApp, StopExecutor
from elasticjob_cloud.scheduling.alerts import AlertBook
from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.settings import CoreSettings
from elasticjob_cloud.scheduling.state.agent_changes import AgentChanges
from elasticjob_cloud.scheduling.state.configuration_changes import ConfigurationChanges
from elasticjob_cloud.scheduling.state.decisions import Decisions
from elasticjob_cloud.scheduling.state.fire_changes import FireChanges
from elasticjob_cloud.scheduling.state.schedule_changes import ScheduleChanges
from elasticjob_cloud.scheduling.state.state import State
from elasticjob_cloud.scheduling.state.task_changes import TaskChanges
from elasticjob_cloud.scheduling.state.trace import Trace
from elasticjob_cloud.scheduling.state.view import ReadOnlyState


class Turn:
    """Shows the state, and changes it.

    `configuration`, `schedules`, `fires`, `tasks` and `agents` write rows for what they change. `triggers`, `backlog`,
    `missed`, `ready` and `retries` are only in memory: a new leader makes them from the record. `alerts` has its rows apart.
    """

    def __init__(
        self, state: State, settings: CoreSettings, now: Now, new_id: Callable[[], str], alerts: AlertBook
    ) -> None:
        self.state: ReadOnlyState = state
        self.settings = settings
        self.now = now
        self.now_ms = now.wall_ms
        self.new_id = new_id
        self.alerts = alerts
        self.decisions = decisions = Decisions()
        self.configuration = ConfigurationChanges(state, decisions, now)
        self.schedules = ScheduleChanges(state, decisions, now)
        self.fires = FireChanges(state, decisions, now)
        self.tasks = TaskChanges(state, decisions, now)
        self.agents = AgentChanges(state, decisions, now)
        self.trace = Trace(state, decisions, now)
        self.triggers = state.triggers
        self.backlog = state.backlog
        self.missed = state.missed
        self.ready = state.ready
        self.retries = state.retries
        self._state = state

    def plan(self) -> Planner:
        """Begin to plan placements, for as long as no room is freed."""
        return Planner(self._state.fleet)

    def free_room(self) -> None:
        """Let all that found no room try again: what it asks for, or what is there, has changed."""
        self._state.free_room()

    def send(self, agent_id: str, command: Command) -> None:
        """Have a command sent to an agent once the turn is committed. Nothing is sent to one that is not there."""
        if agent_id in self._state.agents:
            self.decisions.commands.setdefault(agent_id, []).append(command)

    def stop_executor(self, agent_id: str, app_name: str) -> None:
        """Have an app's executor stopped, once."""
        if not self._state.agents[agent_id].executors[app_name].stopping:
            self.agents.executor_stopping(agent_id, app_name)
            self.send(agent_id, StopExecutor(app_name))

    def remove_app(self, app_name: str) -> None:
        """Delete an app whose tasks have all ended, here and on all agents."""
        self.configuration.drop_app(app_name)
        for agent_id in self._state.agents:
            self.send(agent_id, RemoveApp(app_name))

    def finish(self) -> Decisions:
        """Give what was decided."""
        self.agents.write_sequences()
        return self.decisions

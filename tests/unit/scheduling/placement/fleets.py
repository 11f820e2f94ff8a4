"""Fleets for tests of placement, and what a caller of the planner does with what it is given."""

from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.model.task import TaskState, TaskType
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.fleet import Fleet
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.policies import POLICIES
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.settings import PlacementPolicy

SPREAD, PACK = PlacementPolicy.SPREAD, PlacementPolicy.PACK


class TestFleet(Fleet):
    """A fleet whose agents have tasks and executors without a core."""

    __test__ = False

    def __init__(self, policy: PlacementPolicy = SPREAD) -> None:
        super().__init__(POLICIES[policy])
        self._tasks = 0

    def add(
        self,
        name: str,
        cpus: float,
        memory_mb: float = 10_000,
        *,
        executors: dict[str, Room] | None = None,
        busy: Room | None = None,
    ) -> AgentState:
        """Let an agent join, with executors that run, and a task of a script of this size."""
        agent = self.join(AgentInfo(name, name, "127.0.0.1", cpus, memory_mb))
        for app_name, room in (executors or {}).items():
            agent.executor_started(app_name, room)
        if busy is not None:
            self.start(agent, Demand("filler", 1, busy, None))
        return agent

    def start(self, agent: AgentState, demand: Demand, count: int = 1) -> list[TaskRecord]:
        """Have tasks take their room on an agent."""
        tasks = []
        for _ in range(count):
            self._tasks += 1
            task = _task(f"task-{self._tasks}", agent, demand)
            agent.add_task(task, demand.executor)
            tasks.append(task)
        return tasks

    def plan(self, demand: Demand, avoid: str = "") -> dict[str, int] | None:
        """Give how many shards a pass of its own would place on each agent."""
        placement = Planner(self).plan(demand, avoid)
        return None if placement is None else {agent.info.agent_id: count for agent, count in placement}

    def place(self, demand: Demand, avoid: str = "") -> dict[str, int] | None:
        """Plan, and take the room."""
        placement = Planner(self).plan(demand, avoid)
        if placement is None:
            return None
        for agent, count in placement:
            self.start(agent, demand, count)
        return {agent.info.agent_id: count for agent, count in placement}


def _task(task_id: str, agent: AgentState, demand: Demand) -> TaskRecord:
    return TaskRecord(
        task_id=task_id,
        fire_id=1,
        job_name="job",
        app_name=demand.app_name,
        item=0,
        type=TaskType.READY,
        agent_id=agent.info.agent_id,
        state=TaskState.STAGING,
        staged_ms=0,
        cpu_count=demand.shard.milli_cpus / 1000,
        memory_mb=demand.shard.memory_kib / 1024,
        is_script=demand.executor is None,
    )

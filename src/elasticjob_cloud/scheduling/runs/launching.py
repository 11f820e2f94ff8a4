"""From the ready queue to tasks on agents: failover first, then ready jobs, oldest fire first (promises 4 and 11)."""

from functools import lru_cache
from itertools import islice

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.jobs.sharding import parse_sharding_item_parameters
from elasticjob_cloud.model.messages import Launch, TaskSpec
from elasticjob_cloud.model.records import FailoverRecord, FireRecord, TaskRecord
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.policies import Placement
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.runs.demands import demand_of, shards_demand
from elasticjob_cloud.scheduling.state.queues import ReadyEntry
from elasticjob_cloud.scheduling.state.turn import Turn


def start_what_can(turn: Turn) -> None:
    """Start the shards that are to be started again, then the ready runs, where there is room (promise 11)."""
    planner = turn.plan()
    _start_failovers(turn, planner)
    turn.ready.start_oldest(lambda entry, demand: _start_entry(turn, planner, entry, demand))


def make_ready(turn: Turn, fire: FireRecord) -> None:
    """Let a job's ready fire start as soon as there is room."""
    turn.ready.push(fire, demand_of(turn.state, fire))


def look_for_room(turn: Turn, job_name: str) -> None:
    """Make a job's ready fire ready, if it has one: its turn has come, or it asks for something else now."""
    fire = turn.state.ready_fire(job_name)
    if fire is not None:
        make_ready(turn, fire)


def _start_failovers(turn: Turn, planner: Planner) -> None:
    state = turn.state
    while (entry := turn.retries.pop_due(turn.now_ms)) is not None:
        failover = state.failovers.get((entry[1], entry[2]))
        if failover is None or failover.due_ms != entry[0]:
            turn.retries.offer_next(entry[1])
            continue  # its run was stopped meanwhile
        run = state.runs[failover.job_name]
        configuration = run.configuration
        assert configuration is not None, "a run without its job is stopping: none of its shards waits"
        demand = shards_demand(state.apps[configuration.app_name], configuration, 1)
        placement = _place(turn, planner, demand, avoid=failover.agent_id)
        if placement is None:
            turn.retries.set_aside(entry)
        else:
            _restart(turn, configuration, failover, placement[0][0].info.agent_id, demand.executor)
            turn.retries.offer_next(entry[1])


def _start_entry(turn: Turn, planner: Planner, entry: ReadyEntry, demand: Demand) -> bool:
    if planner.is_hopeless(demand):
        return False
    state = turn.state
    fire = state.ready_fire(entry.job_name)
    if fire is None or fire.fire_id != entry.fire_id:
        return True  # it was dropped, or started under another demand
    if demand_of(state, fire) != demand:
        return True  # the job or its app was updated: it is ready under what it asks for now
    placement = _place(turn, planner, demand)
    if placement is None:
        return False
    _start_run(turn, fire, placement, demand.executor)
    return True


def launch_of(turn: Turn, configuration: JobConfiguration, tasks: list[TaskRecord]) -> Launch:
    """Make the command that starts these tasks of one run on their agent."""
    return _Launches(turn, turn.settings.with_zone(configuration)).launch_of(tasks)


class _Launches:
    """Makes a run's commands, one for each of perhaps hundreds of agents; what they have in common is looked up once."""

    __slots__ = ("_app", "_configuration", "_parameters")

    def __init__(self, turn: Turn, configuration: JobConfiguration) -> None:
        self._app = turn.state.apps[configuration.app_name].configuration
        self._parameters = _parameters(
            configuration.sharding_item_parameters, configuration.sharding_total_count
        )
        self._configuration = configuration

    def launch_of(self, tasks: list[TaskRecord]) -> Launch:
        parameters = self._parameters
        specs = [TaskSpec(task.task_id, task.item, parameters.get(task.item, "")) for task in tasks]
        return Launch(self._app, self._configuration, tuple(specs))


def _place(turn: Turn, planner: Planner, demand: Demand, *, avoid: str = "") -> Placement | None:
    if planner.is_hopeless(demand):
        return None
    placement = planner.plan(demand, avoid)
    if placement is None:
        turn.decisions.refused += 1
        for agent, app_name in planner.executors_to_stop(demand):
            turn.stop_executor(agent.info.agent_id, app_name)
    return placement


def _start_run(turn: Turn, fire: FireRecord, placement: Placement, executor: Room | None) -> None:
    job = turn.state.jobs[fire.job_name]
    configuration = fire.configuration or job.configuration
    started_with = turn.settings.with_zone(configuration)
    # The record tells a later leader which zone the daemon has, should it have another one itself. Of a job that was
    # changed while the fire waited the history would show what it was when the fire was recorded.
    is_todays = started_with is job.configuration and fire.recorded_ms > job.since_ms
    fire_id = turn.fires.start(started_with, None if is_todays else started_with).fire_id
    launches = _Launches(turn, started_with)
    items = iter(fire.items or range(started_with.sharding_total_count))
    for agent, count in placement:
        agent_id = agent.info.agent_id
        tasks = [
            _stage(turn, fire_id, started_with, agent_id, item, executor) for item in islice(items, count)
        ]
        turn.send(agent_id, launches.launch_of(tasks))


def _restart(
    turn: Turn,
    configuration: JobConfiguration,
    failover: FailoverRecord,
    agent_id: str,
    executor: Room | None,
) -> None:
    turn.tasks.drop_restart(failover)
    task = _stage(
        turn,
        failover.fire_id,
        configuration,
        agent_id,
        failover.item,
        executor,
        type_=TaskType.FAILOVER if failover.original_task_id else TaskType.READY,
        attempt=failover.attempt,
        original_task_id=failover.original_task_id,
    )
    turn.send(agent_id, launch_of(turn, configuration, [task]))


def _stage(
    turn: Turn,
    fire_id: int,
    configuration: JobConfiguration,
    agent_id: str,
    item: int,
    executor: Room | None,
    *,
    type_: TaskType = TaskType.READY,
    attempt: int = 1,
    original_task_id: str = "",
) -> TaskRecord:
    task = TaskRecord(
        task_id=str(TaskId(configuration.job_name, item, type_, agent_id, turn.new_id())),
        fire_id=fire_id,
        job_name=configuration.job_name,
        app_name=configuration.app_name,
        item=item,
        type=type_,
        agent_id=agent_id,
        state=TaskState.STAGING,
        staged_ms=turn.now_ms,
        cpu_count=configuration.cpu_count,
        memory_mb=configuration.memory_mb,
        attempt=attempt,
        original_task_id=original_task_id,
        is_script=configuration.is_script,
    )
    turn.tasks.stage(task, executor)
    turn.trace.status(task, TaskState.STAGING)
    return task


@lru_cache(maxsize=32)  # of up to 10,000 parameters each
def _parameters(text: str, total: int) -> dict[int, str]:
    return parse_sharding_item_parameters(text, total)

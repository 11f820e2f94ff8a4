"""From the ready queue to tasks on agents: failover first, then ready jobs, oldest fire first (promises 4 and 11)."""

from functools import lru_cache

import msgspec

from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.messages import Launch, StopExecutor, TaskSpec
from elasticjob_cloud.model.records import AppRecord, FailoverRecord, FireRecord, FireState, TaskRecord
from elasticjob_cloud.model.sharding import parse_sharding_item_parameters
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.demand import Demand
from elasticjob_cloud.scheduling.placement import Planner
from elasticjob_cloud.scheduling.policies import Placement
from elasticjob_cloud.scheduling.queues import ReadyEntry
from elasticjob_cloud.scheduling.room import Room
from elasticjob_cloud.scheduling.state import Run, State
from elasticjob_cloud.scheduling.turn import Turn


def start_what_can(turn: Turn) -> None:
    """Start the shards that are to be started again, then the ready runs, where there is room (promise 11)."""
    state = turn.state
    if state.room_freed:
        state.room_freed = False
        state.ready.room_freed()
        state.retries.room_freed()
    planner = Planner(state.fleet)
    _start_failovers(turn, planner)
    state.ready.start_oldest(lambda entry, demand: _start_entry(turn, planner, entry, demand))


def make_ready(turn: Turn, fire: FireRecord) -> None:
    """Let the oldest waiting fire of an idle job start as soon as there is room."""
    turn.state.ready.push(fire, demand_of(turn.state, fire.job_name))


def make_ready_anew(turn: Turn, job_name: str) -> None:
    """Look again for room for a job that waits: what it asks for may have changed."""
    waiting = turn.state.waiting.get(job_name)
    if waiting and not turn.state.is_busy(job_name):
        make_ready(turn, waiting[0])


def _start_failovers(turn: Turn, planner: Planner) -> None:
    state = turn.state
    while (entry := state.retries.pop_due(turn.now_ms)) is not None:
        failover = state.failovers.get((entry[1], entry[2]))
        if failover is None or failover.due_ms != entry[0]:
            state.retries.offer_next(entry[1])
            continue  # its run was stopped meanwhile
        run = state.runs[failover.job_name]
        configuration = run.configuration
        assert configuration is not None, "a run without its job is stopping: none of its shards waits"
        demand = shards_demand(state.apps[configuration.app_name], configuration, 1)
        placement = _place(turn, planner, demand, avoid=failover.agent_id)
        if placement is None:
            state.retries.set_aside(entry)
        else:
            _restart(turn, run, configuration, failover, placement[0][0])
            state.retries.offer_next(entry[1])


def _start_entry(turn: Turn, planner: Planner, entry: ReadyEntry, demand: Demand) -> bool:
    if planner.is_hopeless(demand):
        return False
    state = turn.state
    waiting = state.waiting.get(entry.job_name)
    if waiting is None or waiting[0].fire_id != entry.fire_id or state.is_busy(entry.job_name):
        return True  # it was dropped, or started under another demand
    if demand_of(state, entry.job_name) != demand:
        return True  # the job or its app was updated: it is ready under what it asks for now
    placement = _place(turn, planner, demand)
    if placement is None:
        return False
    fire = waiting.popleft()
    if not waiting:
        del state.waiting[entry.job_name]
    _start_run(turn, fire, state.jobs[entry.job_name].configuration, placement)
    return True


def demand_of(state: State, job_name: str) -> Demand:
    """Give what a run of a job asks for."""
    configuration = state.jobs[job_name].configuration
    return shards_demand(
        state.apps[configuration.app_name], configuration, configuration.sharding_total_count
    )


def shards_demand(app: AppRecord, configuration: JobConfiguration, count: int) -> Demand:
    """Give what so many shards of a job ask for."""
    executor = None
    if not configuration.is_script:
        executor = Room.of(app.configuration.cpu_count, app.configuration.memory_mb)
    shard = Room.of(configuration.cpu_count, configuration.memory_mb)
    return Demand(configuration.app_name, count, shard, executor)


def with_zone(turn: Turn, configuration: JobConfiguration) -> JobConfiguration:
    """Give a daemon that has a cron its zone: whoever runs the cron knows nothing of the scheduler's own zone."""
    if not (configuration.is_daemon and configuration.cron) or configuration.time_zone:
        return configuration
    return msgspec.structs.replace(configuration, time_zone=turn.settings.time_zone)


def launch_of(turn: Turn, configuration: JobConfiguration, tasks: list[TaskRecord]) -> Launch:
    """Make the command that starts these tasks of one run on their agent."""
    return _Launches(turn, configuration).launch_of(tasks)


class _Launches:
    """Makes a run's commands, one for each of perhaps hundreds of agents; what they have in common is looked up once."""

    __slots__ = ("_app", "_configuration", "_parameters")

    def __init__(self, turn: Turn, configuration: JobConfiguration) -> None:
        self._app = turn.state.apps[configuration.app_name].configuration
        self._parameters = _parameters(
            configuration.sharding_item_parameters, configuration.sharding_total_count
        )
        self._configuration = with_zone(turn, configuration)

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
            executor = agent.executors[app_name]
            if not executor.stopping:
                executor.stopping = True
                turn.send(agent.info.agent_id, StopExecutor(app_name))
    return placement


def _start_run(turn: Turn, fire: FireRecord, configuration: JobConfiguration, placement: Placement) -> None:
    started_with = with_zone(turn, configuration)
    fire = msgspec.structs.replace(
        fire,
        state=FireState.RUNNING,
        started_ms=turn.now_ms,
        # The record tells a later leader which zone the daemon has, should it have another one itself.
        configuration=None if started_with is configuration else started_with,
    )
    configuration = started_with
    turn.put_fire(fire)
    run = turn.state.runs[fire.job_name] = Run(fire, configuration)
    run.open_items = set(range(configuration.sharding_total_count))
    launches = _Launches(turn, configuration)
    first = 0
    for agent, count in placement:
        tasks = [
            _stage(turn, run, configuration, agent, item, TaskType.READY)
            for item in range(first, first + count)
        ]
        first += count
        turn.send(agent.info.agent_id, launches.launch_of(tasks))


def _restart(
    turn: Turn, run: Run, configuration: JobConfiguration, failover: FailoverRecord, agent: AgentState
) -> None:
    turn.drop_failover(failover)
    task = _stage(
        turn,
        run,
        configuration,
        agent,
        failover.item,
        TaskType.FAILOVER if failover.original_task_id else TaskType.READY,
        attempt=failover.attempt,
        original_task_id=failover.original_task_id,
    )
    turn.send(agent.info.agent_id, launch_of(turn, configuration, [task]))


def _stage(
    turn: Turn,
    run: Run,
    configuration: JobConfiguration,
    agent: AgentState,
    item: int,
    type_: TaskType,
    *,
    attempt: int = 1,
    original_task_id: str = "",
) -> TaskRecord:
    agent_id = agent.info.agent_id
    task = TaskRecord(
        task_id=str(TaskId(configuration.job_name, item, type_, agent_id, turn.new_id())),
        fire_id=run.fire.fire_id,
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
    app = turn.state.apps[task.app_name]
    agent.add_task(
        task, None if task.is_script else Room.of(app.configuration.cpu_count, app.configuration.memory_mb)
    )
    turn.state.idle.end(agent_id)
    turn.put_task(task)
    turn.trace_status(task, TaskState.STAGING)
    return task


@lru_cache(maxsize=32)  # of up to 10,000 parameters each
def _parameters(text: str, total: int) -> dict[int, str]:
    return parse_sharding_item_parameters(text, total)

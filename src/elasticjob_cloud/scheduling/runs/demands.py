"""What runs and shards of a job ask for."""

from functools import lru_cache

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.records import AppRecord, FireRecord
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.state.view import ReadOnlyState


def settings_of(state: ReadOnlyState, fire: FireRecord) -> JobConfiguration:
    """Give what a waiting fire would run under: its own settings, or its job's of now."""
    return fire.configuration or state.jobs[fire.job_name].configuration


def demand_of(state: ReadOnlyState, fire: FireRecord) -> Demand:
    """Give what the run of a waiting fire asks for."""
    configuration = settings_of(state, fire)
    count = len(fire.items) or configuration.sharding_total_count
    return shards_demand(state.apps[configuration.app_name], configuration, count)


def shards_demand(app: AppRecord, configuration: JobConfiguration, count: int) -> Demand:
    """Give what so many shards of a job ask for."""
    executor = None if configuration.is_script else executor_room(app)
    return _demand(configuration.app_name, count, configuration.cpu_count, configuration.memory_mb, executor)


def executor_room(app: AppRecord) -> Room:
    """Give what the next start of an app's executor takes."""
    return Room.of(app.configuration.cpu_count, app.configuration.memory_mb)


@lru_cache(maxsize=4096)  # few demands are in use, and each is asked for twice with every run
def _demand(app_name: str, count: int, cpu_count: float, memory_mb: float, executor: Room | None) -> Demand:
    return Demand(app_name, count, Room.of(cpu_count, memory_mb), executor)

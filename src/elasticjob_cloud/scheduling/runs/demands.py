"""What runs and shards of a job ask for."""

from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.records import AppRecord
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.state.view import ReadOnlyState


def demand_of(state: ReadOnlyState, job_name: str) -> Demand:
    """Give what a run of a job asks for."""
    configuration = state.jobs[job_name].configuration
    return shards_demand(
        state.apps[configuration.app_name], configuration, configuration.sharding_total_count
    )


def shards_demand(app: AppRecord, configuration: JobConfiguration, count: int) -> Demand:
    """Give what so many shards of a job ask for."""
    executor = None if configuration.is_script else executor_room(app)
    shard = Room.of(configuration.cpu_count, configuration.memory_mb)
    return Demand(configuration.app_name, count, shard, executor)


def executor_room(app: AppRecord) -> Room:
    """Give what the next start of an app's executor takes."""
    return Room.of(app.configuration.cpu_count, app.configuration.memory_mb)

"""From a job's cron to its trigger."""

from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.job import JobConfiguration
from elasticjob_cloud.model.records import JobRecord
from elasticjob_cloud.scheduling.state.turn import Turn


def schedule(turn: Turn, job: JobRecord, after_ms: int) -> None:
    """Let an enabled job's cron fire from this instant on."""
    configuration = job.configuration
    turn.state.triggers.add(
        configuration.job_name,
        CronExpression.parse(configuration.cron),
        zone_of(turn, configuration),
        after_ms,
    )


def zone_of(turn: Turn, configuration: JobConfiguration) -> ZoneInfo:
    """Give the zone that a job's cron is evaluated in."""
    return ZoneInfo(configuration.time_zone or turn.settings.time_zone)

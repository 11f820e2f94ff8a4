"""What a new leader does first: find out which fires came due while nobody led (promises 1 and 7)."""

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.records import JobRecord
from elasticjob_cloud.scheduling.configuration import schedule, zone_of
from elasticjob_cloud.scheduling.daemon_zones import replace_daemon_of_other_zone
from elasticjob_cloud.scheduling.fires import make_up_fires, start_daemon
from elasticjob_cloud.scheduling.launching import make_ready
from elasticjob_cloud.scheduling.missed import MissedFires, find_missed_fires
from elasticjob_cloud.scheduling.turn import Turn

_Missed = dict[tuple[str, str, int], MissedFires | None]


def take_up_jobs(turn: Turn) -> None:
    """Let every enabled job go on from what the record says of it."""
    state = turn.state
    for job_name, fires in state.waiting.items():
        if not state.is_busy(job_name):
            make_ready(turn, fires[0])
    missed_fires: _Missed = {}  # jobs with equal cron and zone were mostly evaluated up to the same instant
    for job_name, job in list(state.jobs.items()):
        if not state.is_enabled(job_name):
            continue
        if job.configuration.is_daemon:
            replace_daemon_of_other_zone(turn, job_name)
            if not state.is_busy(job_name) and job_name not in state.waiting:
                start_daemon(turn, job_name)
        elif job.configuration.cron:
            _take_up_cron(turn, job, missed_fires)


def _take_up_cron(turn: Turn, job: JobRecord, missed_fires: _Missed) -> None:
    configuration = job.configuration
    zone = zone_of(turn, configuration)
    evaluated_to_ms = turn.state.schedules.get(configuration.job_name, job.since_ms)
    key = (configuration.cron, zone.key, evaluated_to_ms)
    if key not in missed_fires:
        cron = CronExpression.parse(configuration.cron)
        keep = turn.settings.misfire_limit + 1
        missed_fires[key] = find_missed_fires(cron, zone, evaluated_to_ms, turn.now_ms, keep)
    missed = missed_fires[key]
    if missed is not None:
        make_up_fires(turn, configuration.job_name, missed)
    schedule(turn, job, max(evaluated_to_ms, turn.now_ms))

"""Daemons follow the scheduler's time zone, as the crons of other jobs do."""

from elasticjob_cloud.scheduling.fires import start_daemon
from elasticjob_cloud.scheduling.runs.launching import with_zone
from elasticjob_cloud.scheduling.runs.tasks import stop_run
from elasticjob_cloud.scheduling.turn import Turn


def replace_daemon_of_other_zone(turn: Turn, job_name: str) -> None:
    """Replace a daemon's tasks when its job has no zone, and they were started under another zone of the scheduler."""
    run = turn.state.runs.get(job_name)
    if run is None or run.is_stopping or run.fire.configuration is None:
        return
    zone = with_zone(turn, turn.state.jobs[job_name].configuration).time_zone
    old_zone = run.fire.configuration.time_zone
    if run.fire.configuration.is_daemon and zone != old_zone:
        stop_run(turn, job_name, f"Replaced: the scheduler's time zone is {zone}, it was {old_zone}.")
        start_daemon(turn, job_name)

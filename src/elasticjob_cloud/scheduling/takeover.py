"""What a new leader does first: find out which fires came due while nobody led (promises 1 and 7)."""

from elasticjob_cloud.scheduling.fires.new_fires import start_daemon
from elasticjob_cloud.scheduling.runs.launching import make_ready
from elasticjob_cloud.scheduling.runs.tasks import stop_run
from elasticjob_cloud.scheduling.state.run import RunPhase
from elasticjob_cloud.scheduling.state.turn import Turn


def take_up_jobs(turn: Turn) -> None:
    """Let every enabled job go on from what the record says of it; crons are taken up over the next turns.

    A long time without a leader takes long to count: in one piece it would outlast the lease.
    """
    state = turn.state
    for fire in state.ready_fires():
        make_ready(turn, fire)
    for agent_id in [it for it in state.sequences if it not in state.tasks_of_agent]:
        turn.agents.drop_sequence(agent_id)
    turn.backlog.missed_until_ms = turn.now_ms
    for job_name, job in state.jobs.items():
        if not state.is_enabled(job_name):
            continue
        if job.configuration.is_daemon:
            _replace_daemon_of_other_zone(turn, job_name)
            if not state.is_busy(job_name) and job_name not in state.waiting:
                start_daemon(turn, job_name)
        elif job.configuration.cron:
            turn.backlog.add_missed(job_name, state.schedules.get(job_name, job.since_ms))


def _replace_daemon_of_other_zone(turn: Turn, job_name: str) -> None:
    """Replace a daemon's tasks when its job has no zone, and they were started under another zone of the scheduler."""
    run = turn.state.runs.get(job_name)
    if run is None or run.phase is RunPhase.STOPPING or run.fire.configuration is None:
        return
    zone = turn.settings.with_zone(turn.state.jobs[job_name].configuration).time_zone
    old_zone = run.fire.configuration.time_zone
    if run.fire.configuration.is_daemon and zone != old_zone:
        stop_run(turn, job_name, f"Replaced: the scheduler's time zone is {zone}, it was {old_zone}.")
        start_daemon(turn, job_name)

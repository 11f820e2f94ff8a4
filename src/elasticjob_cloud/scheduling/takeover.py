"""What a new leader does first: find out which fires came due while nobody led (promises 1 and 7)."""

from elasticjob_cloud.scheduling.daemon_zones import replace_daemon_of_other_zone
from elasticjob_cloud.scheduling.fires import start_daemon
from elasticjob_cloud.scheduling.runs.launching import make_ready
from elasticjob_cloud.scheduling.turn import Turn


def take_up_jobs(turn: Turn) -> None:
    """Let every enabled job go on from what the record says of it; crons are taken up over the next turns.

    A long time without a leader takes long to count: in one piece it would outlast the lease.
    """
    state = turn.state
    for job_name, fires in state.waiting.items():
        if not state.is_busy(job_name):
            make_ready(turn, fires[0])
    for agent_id in [it for it in state.sequences if it not in state.tasks_of_agent]:
        turn.drop_sequence(agent_id)
    state.backlog.missed_until_ms = turn.now_ms
    for job_name, job in state.jobs.items():
        if not state.is_enabled(job_name):
            continue
        if job.configuration.is_daemon:
            replace_daemon_of_other_zone(turn, job_name)
            if not state.is_busy(job_name) and job_name not in state.waiting:
                start_daemon(turn, job_name)
        elif job.configuration.cron:
            state.backlog.add_missed(job_name, state.schedules.get(job_name, job.since_ms))

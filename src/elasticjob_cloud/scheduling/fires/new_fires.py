"""What a due time or a trigger leads to: a fire that waits for its run, or the reason why not (promises 1, 7, 8)."""

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.fire import DropReason, FireSource
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.scheduling.fires.rewinding import note_skipped_span
from elasticjob_cloud.scheduling.runs.launching import make_ready, start_what_can
from elasticjob_cloud.scheduling.schedules.missed import MissedFires
from elasticjob_cloud.scheduling.state.turn import Turn


def fire_job(turn: Turn, job_name: str, due_ms: int) -> None:
    """Take up one due time of a job's cron."""
    state = turn.state
    is_misfire = state.is_busy(job_name) or job_name in state.waiting
    makes_up = is_misfire and state.jobs[job_name].configuration.misfire
    fire = turn.fires.new(job_name, FireSource.MISFIRE if makes_up else FireSource.CRON, due_ms)
    if is_misfire and not makes_up:
        turn.fires.drop(fire, DropReason.MISFIRED)
    elif _is_full(turn, job_name):
        turn.fires.drop(fire, DropReason.QUEUE_FULL)
    else:
        enqueue(turn, fire)


def make_up_fires(turn: Turn, job_name: str, missed: MissedFires) -> None:
    """Take up the fires that came due while nobody led: made up if `misfire`, oldest first, else dropped (promise 7)."""
    turn.schedules.advance(job_name, missed.last_ms)
    makes_up = turn.state.jobs[job_name].configuration.misfire
    wanted = min(turn.settings.misfire_limit, missed.count) if makes_up else 0
    made_up = 0
    while made_up < wanted and not _is_full(turn, job_name):
        enqueue(turn, turn.fires.new(job_name, FireSource.MISFIRE, missed.oldest[made_up]))
        made_up += 1
    left = missed.count - made_up
    if left:
        fire = turn.fires.new(job_name, FireSource.CRON, missed.oldest[made_up])
        reason = DropReason.QUEUE_FULL if made_up < wanted else DropReason.MISFIRED
        turn.fires.drop(fire, reason, count=left, last_due_ms=missed.last_ms)
        note_skipped_span(turn, job_name, (fire.due_ms, missed.last_ms))


def check_room_for_request(turn: Turn, job_name: str) -> None:
    """Refuse a run that somebody asks for when the queue is full; what is accepted is never dropped (promises 7, 8).

    Raises:
        UnavailableError: it is full.
    """
    if _is_full(turn, job_name):
        message = (
            "The ready queue is full; the job was not triggered. Try again when earlier runs have started."
        )
        raise UnavailableError(message, retry_after_seconds=5)


def start_daemon(turn: Turn, job_name: str) -> None:
    """Let a daemon job's tasks be started once; from then on they are kept alive."""
    enqueue(turn, turn.fires.new(job_name, FireSource.DAEMON, turn.now_ms))


def enqueue(turn: Turn, fire: FireRecord) -> None:
    """Let a fire wait for its run."""
    turn.fires.wait(fire)
    if turn.state.ready_fire(fire.job_name) is fire:
        make_ready(turn, fire)


def _is_full(turn: Turn, job_name: str) -> bool:
    limit = turn.settings.job_state_queue_size
    waiting = turn.state.waiting
    if job_name in waiting:
        return len(waiting[job_name]) >= limit
    if len(waiting) >= limit:
        start_what_can(turn)  # those that came due in this very turn may have room
    return len(waiting) >= limit

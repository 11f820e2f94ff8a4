"""Recording what came due: in slices of the backlog, or all of a job before a command changes it (promises 1, 2, 10)."""

from elasticjob_cloud.scheduling.fires.new_fires import fire_job, make_up_fires
from elasticjob_cloud.scheduling.fires.rewinding import is_taken
from elasticjob_cloud.scheduling.schedules.missed import MissedSearch
from elasticjob_cloud.scheduling.state.turn import Turn


def note_due(turn: Turn) -> None:
    """Let all that has come due wait to be recorded."""
    for due_ms, job_names in turn.triggers.pop_due(turn.now_ms):
        turn.backlog.add_due(due_ms, job_names)


def note_skipped(turn: Turn, until_ms: int) -> None:
    """Treat all fires due up to `until_ms` as misfired: the clock was set forwards over them (promise 10)."""
    backlog = turn.backlog
    backlog.missed_until_ms = max(backlog.missed_until_ms, until_ms)
    for due_ms, job_names in turn.triggers.take_due(until_ms):
        for job_name in job_names:
            backlog.add_missed(job_name, due_ms - 1)


def record_due(turn: Turn) -> None:
    """Fire jobs that are due, at most so many as a turn may; the rest waits for the next turns.

    Where thousands are due in the same second, the first of them run while the others are still being recorded.
    """
    for due_ms, job_name in turn.backlog.pop_due(turn.settings.fires_a_turn):
        _record(turn, job_name, due_ms)


def record_missed(turn: Turn) -> None:
    """Count and record the missed fires of some jobs, and let them fire from then on.

    A turn takes so many steps of cron searches, and writes so many fires, that it stays short (promise 11).
    """
    backlog, settings = turn.backlog, turn.settings
    steps = settings.cron_searches_a_turn
    recorded = len(turn.decisions.changes.fires)
    while steps > 0 and len(turn.decisions.changes.fires) - recorded < settings.fires_a_turn:
        job_name = backlog.next_missed()
        if job_name is None:
            turn.missed.clear()
            return
        search = _search_of(turn, job_name)
        steps -= max(1, search.advance(steps))
        if search.is_done:
            _take_up(turn, job_name, search)


def settle_due(turn: Turn, job_name: str) -> None:
    """Record a job's fires that are due, before a command changes what they lead to."""
    for due_ms in turn.backlog.pop_due_of(job_name):
        _record(turn, job_name, due_ms)


def _record(turn: Turn, job_name: str, due_ms: int) -> None:
    turn.schedules.advance(job_name, due_ms)
    if job_name in turn.state.spans and is_taken(turn, job_name, due_ms):
        return
    turn.decisions.lateness_ms.append(max(0, turn.now_ms - due_ms))
    fire_job(turn, job_name, due_ms)


def _search_of(turn: Turn, job_name: str) -> MissedSearch:
    state = turn.state
    configuration = state.jobs[job_name].configuration
    after_ms = state.backlog.missed_after_ms(job_name)
    assert after_ms is not None, "its missed fires are to be counted"
    spans = state.spans.get(job_name)
    return turn.missed.search(
        configuration.cron,
        turn.settings.zone_of(configuration),
        after_ms,
        state.backlog.missed_until_ms,
        keep=turn.settings.misfire_limit + 1 if configuration.misfire else 1,
        taken=() if spans is None else spans.taken,
    )


def _take_up(turn: Turn, job_name: str, search: MissedSearch) -> None:
    settle_due(turn, job_name)
    if search.found is not None:
        make_up_fires(turn, job_name, search.found)
    turn.backlog.remove_missed(job_name)
    turn.triggers.add_at(job_name, search.cron, search.zone, search.next_ms)

"""Crons that were evaluated beyond the present time, because the clock was ahead, and how they go on (promise 10).

A due time that was taken up while the clock was ahead never fires again. One that the clock only jumped over may.
"""

from collections.abc import Iterable

from elasticjob_cloud.model.records import ScheduleSpans, Span
from elasticjob_cloud.scheduling.state.turn import Turn

_SPANS_KEPT = 32
_NO_SPANS = ScheduleSpans()


def note_skipped_span(turn: Turn, job_name: str, span: Span) -> None:
    """Remember due times that were dropped all at once: should the clock have been wrong, they may come again."""
    spans = turn.state.spans.get(job_name, _NO_SPANS)
    skipped = (*spans.skipped, span)[-_SPANS_KEPT:]
    turn.schedules.put_spans(job_name, ScheduleSpans(skipped, spans.taken))


def go_on_from_now(turn: Turn, job_name: str) -> None:
    """Let a cron that was evaluated beyond the present time fire again, at the due times that were only skipped."""
    evaluated_to_ms = turn.state.schedules.get(job_name, 0)
    spans = turn.state.spans.get(job_name, _NO_SPANS)
    ahead = (turn.now_ms + 1, evaluated_to_ms)
    if not any(first <= evaluated_to_ms and last >= ahead[0] for first, last in spans.skipped):
        return  # all that lies ahead was taken up
    taken = [*without(ahead, spans.skipped), *(it for it in spans.taken if it[1] > turn.now_ms)]
    turn.schedules.put_spans(job_name, ScheduleSpans(taken=joined(taken)[-_SPANS_KEPT:]))
    turn.schedules.rewind(job_name, turn.now_ms)


def note_jobs_ahead(turn: Turn) -> None:
    """Look for enabled jobs that a clock which was ahead has silenced, and have it said."""
    state = turn.state
    for job_name in state.schedules:
        if state.is_enabled(job_name):
            note_if_ahead(turn, job_name)
    if state.ahead:
        turn.decisions.ahead = max(state.ahead.items(), key=lambda it: it[1])


def note_if_ahead(turn: Turn, job_name: str) -> None:
    """Note a job that a clock which was ahead silences for long."""
    if turn.state.schedules[job_name] - turn.now_ms > turn.settings.ahead_ms:
        turn.schedules.note_ahead(job_name)


def is_taken(turn: Turn, job_name: str, due_ms: int) -> bool:
    """Tell whether a due time was taken up before, while the clock was ahead."""
    spans = turn.state.spans.get(job_name)
    return spans is not None and any(first <= due_ms <= last for first, last in spans.taken)


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """Give what is left of a span without others."""
    left = [span]
    for first, last in others:
        left = [
            part
            for it in left
            for part in ((it[0], min(it[1], first - 1)), (max(it[0], last + 1), it[1]))
            if part[0] <= part[1]
        ]
    return left


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Give spans in order, those that touch as one."""
    result: list[Span] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)

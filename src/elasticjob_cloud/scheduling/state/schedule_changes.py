"""Changes of what is known of crons: up to when they were evaluated, and what a clock that jumped did to them."""

from elasticjob_cloud.model.records import ScheduleSpans
from elasticjob_cloud.scheduling.state.part import TurnPart


class ScheduleChanges(TurnPart):
    """Changes up to when each job's cron counts as evaluated."""

    __slots__ = ()

    def advance(self, job_name: str, evaluated_to_ms: int) -> None:
        """Record up to when a job's cron was evaluated; a later start goes on from there (promises 1 and 10).

        It never goes back: fires between would be recorded twice.
        """
        if evaluated_to_ms > self._state.schedules.get(job_name, -1):
            self.rewind(job_name, evaluated_to_ms)

    def rewind(self, job_name: str, evaluated_to_ms: int) -> None:
        """Record up to when a job's cron counts as evaluated, though that was later: the clock had been ahead."""
        self._state.schedules[job_name] = evaluated_to_ms
        if self._state.ahead:
            self._state.ahead.pop(job_name, None)
        self._rows.schedules[job_name] = evaluated_to_ms

    def put_spans(self, job_name: str, spans: ScheduleSpans) -> None:
        """Record what a clock that jumped did to a job's cron."""
        self._state.spans[job_name] = spans
        self._rows.spans[job_name] = spans

    def drop(self, job_name: str) -> None:
        """Forget the schedule of a job that is deleted."""
        if self._state.schedules.pop(job_name, None) is not None:
            self._rows.schedules[job_name] = None
        if self._state.spans.pop(job_name, None) is not None:
            self._rows.spans[job_name] = None

    def note_ahead(self, job_name: str) -> None:
        """Note that a clock which was ahead silences a job for long."""
        state = self._state
        evaluated_to_ms = state.schedules[job_name]
        state.ahead[job_name] = evaluated_to_ms
        state.ahead_until_ms = min(state.ahead_until_ms or evaluated_to_ms, evaluated_to_ms)

    def forget_ahead(self, job_name: str) -> None:
        """Forget that a job is silenced: it is to fire no more."""
        self._state.ahead.pop(job_name, None)

    def forget_in_time(self) -> None:
        """Forget the silenced jobs that the clock has caught up with."""
        state, now_ms = self._state, self._now_ms
        if state.ahead and state.ahead_until_ms <= now_ms:
            state.ahead = {name: to_ms for name, to_ms in state.ahead.items() if to_ms > now_ms}
            state.ahead_until_ms = min(state.ahead.values(), default=0)

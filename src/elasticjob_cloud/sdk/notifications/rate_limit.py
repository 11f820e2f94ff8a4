"""How many messages a receiver gets: of a flood it gets the first few, as chat services refuse more."""

from dataclasses import dataclass, field

_JOBS_NAMED = 10


@dataclass(slots=True)
class _Window:
    ends: float
    sent: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    others: int = 0

    def leave_out(self, job_name: str) -> None:
        if job_name in self.left_out or len(self.left_out) < _JOBS_NAMED:
            self.left_out[job_name] = self.left_out.get(job_name, 0) + 1
        else:
            self.others += 1

    @property
    def told(self) -> str:
        if not self.left_out:
            return ""
        counts = [f"{name}: {count}" for name, count in self.left_out.items()]
        if self.others:
            counts.append(f"other jobs: {self.others}")
        return f"Failures that were not sent one by one: {', '.join(counts)}."


class RateLimit:
    """At most `most` messages to a receiver in `seconds`; what is left out is counted for each job."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._windows: dict[object, _Window] = {}

    def admit(self, receiver: object, job_name: str, now: float) -> bool:
        """Whether a message may go to this receiver now. Without, it is counted as left out."""
        window = self._windows.setdefault(receiver, _Window(now + self._seconds))
        if window.ends <= now:
            window.ends, window.sent = now + self._seconds, 0
        if window.sent < self._most:
            window.sent += 1
            return True
        window.leave_out(job_name)
        return False

    def leave_out(self, receiver: object, job_name: str, now: float) -> None:
        """Count a message as left out for another reason."""
        self._windows.setdefault(receiver, _Window(now + self._seconds)).leave_out(job_name)

    def take_left_out(self, receiver: object) -> str:
        """Return what to tell of the messages left out so far, and forget it."""
        window = self._windows.get(receiver)
        if window is None:
            return ""
        told, window.left_out, window.others = window.told, {}, 0
        return told

    def due(self, now: float) -> list[object]:
        """Return the receivers whose window is over with something left out; forget those with nothing."""
        over = [receiver for receiver, window in self._windows.items() if window.ends <= now]
        told = [receiver for receiver in over if self._windows[receiver].left_out]
        for receiver in over:
            if receiver not in told:
                del self._windows[receiver]
        return told

    def next_due(self) -> float | None:
        """Return when `due` is to be asked again."""
        return min((window.ends for window in self._windows.values() if window.left_out), default=None)

"""How long the start of an executor waits after failed ones."""

from elasticjob_cloud.agent.settings import AgentSettings

_DOUBLINGS = 16


class StartBackoff:
    """Counts the starts in a row that came to nothing, or to an early death."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._failures = 0

    @property
    def has_failures(self) -> bool:
        """Whether there is a failure to remember."""
        return self._failures > 0

    def delay_seconds(self) -> float:
        """For how long the next start waits."""
        if not self._failures:
            return 0.0
        settings = self._settings
        delay: float = settings.executor_restart_seconds * 2.0 ** min(self._failures - 1, _DOUBLINGS)
        return min(delay, settings.executor_restart_maximum_seconds)

    def failed(self) -> None:
        """Count a start that came to no process."""
        self._failures += 1

    def ended(self, ready_seconds: float | None, *, had_tasks: bool) -> None:
        """Count a process that has ended, if it did early. `ready_seconds`: how long it took tasks; None: never."""
        # One that dies of its tasks time and again is started ever more seldom, like one that cannot start.
        is_early = ready_seconds is None or (
            had_tasks and ready_seconds < self._settings.executor_settled_seconds
        )
        self._failures = self._failures + 1 if is_early else 0

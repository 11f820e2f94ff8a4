"""When an agent that has lost its scheduler must end its tasks (promise 5).

A remote agent sends heartbeats; what counts is when the newest one *that the scheduler acknowledged* was sent. So both
sides reckon from the same event, and a network that is cut one way only is seen by both: the scheduler gives the agent's
tasks to another only `lost` after that heartbeat, and the agent has ended them `fence` after it, which is less.
A local agent has nobody who could take its tasks: there it is the orphan rule, and a connection counts.
"""


class Fence:
    """Counts from the last acknowledged heartbeat. Times are the agent's own monotonic milliseconds."""

    def __init__(self, fence_ms: int, now_ms: int) -> None:
        self._fence_ms = fence_ms
        self._deadline_ms = now_ms + fence_ms

    def acknowledged(self, sent_ms: int) -> None:
        """The scheduler has the heartbeat that was sent at this time."""
        self._deadline_ms = max(self._deadline_ms, sent_ms + self._fence_ms)

    def is_over(self, now_ms: int) -> bool:
        """Tell whether everything that runs here must end now, for another agent may be about to start it."""
        return self.left_ms(now_ms) <= 0

    def left_ms(self, now_ms: int) -> int:
        """Give the time until then, or a negative one."""
        return self._deadline_ms - now_ms

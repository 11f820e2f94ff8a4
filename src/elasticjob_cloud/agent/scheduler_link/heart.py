"""An agent's heartbeats, and its fence, which counts from those that its scheduler has seen (promise 5)."""

from elasticjob_cloud.agent.scheduler_link.fence import Fence

_BEATS_PER_FENCE = 5


class Heart:
    """Times are milliseconds of a clock of the agent's own that is never set and goes on while the machine is suspended."""

    def __init__(self, fence_ms: int, now_ms: int) -> None:
        self._fence = Fence(fence_ms, now_ms)
        self._fence_ms = fence_ms
        self._every_ms = fence_ms // _BEATS_PER_FENCE
        self._due_ms = now_ms
        self._number = 0
        self._sent_ms: dict[int, int] = {}

    def is_due(self, now_ms: int) -> bool:
        """Tell whether it is time for a heartbeat."""
        return now_ms >= self._due_ms

    def beat(self, now_ms: int) -> int:
        """Count a heartbeat that is sent now; give its number."""
        self._number += 1
        # An older one moves the fence no more, whenever it is seen.
        self._sent_ms = {it: ms for it, ms in self._sent_ms.items() if ms > now_ms - self._fence_ms}
        self._sent_ms[self._number] = now_ms
        self._due_ms = now_ms + self._every_ms
        return self._number

    def seen(self, number: int) -> None:
        """The scheduler had this heartbeat."""
        sent_ms = self._sent_ms.get(number)
        if sent_ms is not None:
            self._fence.acknowledged(sent_ms)
            self._sent_ms = {it: ms for it, ms in self._sent_ms.items() if it > number}

    def is_fenced(self, now_ms: int) -> bool:
        """Tell whether what runs here may be started elsewhere any moment."""
        return self._fence.is_over(now_ms)

    def left_ms(self, now_ms: int) -> int:
        """Give the time until then if no more heartbeat is seen, or a negative one."""
        return self._fence.left_ms(now_ms)

"""A relay's connection to the agent, on behalf of one gateway: what the agent says waits here until it is asked for.

Knows nothing of Ray.
"""

import asyncio
from collections import deque

from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol
from elasticjob_cloud.engine.ray.frames import next_part
from elasticjob_cloud.model.errors import UnavailableError

# An answer costs a millisecond of processor time at each end, whatever is in it.
_GATHER_SECONDS = 0.01
_ABANDONED_SECONDS = 60.0


class Session:
    """One connection to the agent, and what it said since it was last asked."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self._asked_at = self._loop.time()
        self._answered_at = 0.0
        self.protocol = FrameProtocol(self._arrived, self._lost)

    def send(self, frames: list[bytes]) -> None:
        """Hand messages to the agent; raises `UnavailableError` when it has hung up."""
        if self._closed:
            raise UnavailableError("The agent has closed the connection.")
        for frame in frames:
            self.protocol.send_encoded(frame)

    async def receive(self, seconds: float) -> list[bytes] | None:
        """Give what the agent says within so many seconds, as soon as there is something; None when it has hung up.

        What follows an answer at once waits for a moment, for more to come with it.
        """
        self._asked_at = self._loop.time() + seconds
        if not self._frames and not self._closed:
            timer = self._loop.call_later(seconds, self._news.set)
            await self._news.wait()
            timer.cancel()
        pause = self._answered_at + _GATHER_SECONDS - self._loop.time()
        if self._frames and not self._closed and pause > 0:
            await asyncio.sleep(pause)
        self._news.clear()
        self._answered_at = self._loop.time()
        return None if self._closed and not self._frames else next_part(self._frames)

    @property
    def is_used(self) -> bool:
        """Whether somebody speaks with the agent here."""
        return not (self._closed or self.is_abandoned)

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody has asked for long: its gateway was killed."""
        return self._loop.time() - self._asked_at > _ABANDONED_SECONDS

    def _arrived(self, _: FrameProtocol, content: bytes) -> None:
        if self.is_abandoned:
            # Else what is told to nobody would pile up here.
            self._frames.clear()
            self.protocol.close()
            return
        self._frames.append(content)
        self._news.set()

    def _lost(self, _: FrameProtocol) -> None:
        self._closed = True
        self._news.set()

"""An engine without agents: whatever is to run waits."""

from collections.abc import Sequence

from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.model.messages import Command
from tests.fakes.silent_engine import SilentEngine


class IdleEngine(SilentEngine):
    """Keeps the contract of an engine whose agents have not come yet."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        """Tell nothing: no agent is there."""

    async def prepare(self) -> None:
        """Have nothing to prepare."""

    async def stop(self) -> None:
        """Have nothing to let go of."""

    def lead_until(self, deadline: float) -> None:
        """Have no agent to tell it."""

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        """Have no agent to reserve on."""

    def want_room(self, runs: Sequence[Pieces]) -> None:
        """Have no room to make."""

    def reconcile(self, known_agents: frozenset[str]) -> None:
        """Have no agent to ask."""

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        """Have nobody to send to; never called, for want of agents."""

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        """Have nothing to acknowledge."""

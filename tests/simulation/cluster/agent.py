"""A remote agent: it obeys the newest epoch, sends heartbeats, and fences itself when they are not acknowledged."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from elasticjob_cloud.agent.scheduler_link.fence import Fence
from elasticjob_cloud.agent.scheduler_link.frames import Hello, Refused
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.model.messages import Command
from tests.simulation.agent_model import AgentModel

if TYPE_CHECKING:
    from tests.simulation.cluster.cluster import Cluster

HEARTBEAT_SECONDS = 1.0


class FenceSettings(NamedTuple):
    """What schedulers are set to: when an agent without one ends its tasks, and when one without a word is lost."""

    fence_ms: int
    lost_ms: int


# Nothing freezes a machine for longer than the first one's fence.
FENCE_SETTINGS = (FenceSettings(10_000, 15_000), FenceSettings(20_000, 25_000))


class Machine:
    """Where an agent lives: one life after another, each an `AgentModel` with an id of its own."""

    def __init__(self, world: "Cluster", name: str) -> None:
        self.world = world
        self.name = name
        self.obedience = Obedience()
        self.obeyed: Hello | None = None
        self.hears = True  # what schedulers send arrives
        self.is_heard = True  # what it sends arrives
        self.frozen_until = 0.0
        self.troubled_until = 0.0  # cut off or frozen
        self.is_released = False  # it has no agent until it is used again
        self.former_ids: list[str] = []
        self.agent = self._new_life()
        self.fence_ms = FENCE_SETTINGS[0].fence_ms  # of the agent's next life
        self._fence = self._new_fence()
        self._heart = world.loop.create_task(self._beat())

    def greet(self, hello: Hello) -> Refused | None:
        """Obey this scheduler from now on, or say why not."""
        refused = self.obedience.refusal_of(hello)
        if refused is None:
            self.obedience.obey(hello)
            self.obeyed = hello
        return refused

    def obey(self, hello: Hello, agent_id: str, commands: list[Command]) -> bool:
        """Carry out commands for this life of the agent, unless another leader has spoken."""
        if (self.obeyed is not hello and self.world.database.checks_epoch) or not self._is_life(agent_id):
            return False
        for command in commands:
            self.agent.take(command)
        return True

    def acknowledge_heartbeat(self, hello: Hello, sent_ms: int, renewals: int) -> None:
        """The leader has the heartbeat that was sent then."""
        if self.obeyed is hello:
            self.obedience.note_renewals(renewals)
        self._fence.acknowledged(sent_ms)

    def restart(self) -> None:
        """The agent's process dies; its successor first ends all that it left."""
        if not self.is_released:
            self.release()
            self.use()

    def release_life(self, hello: Hello, agent_id: str) -> bool:
        """End this life of the agent, without a successor; tell whether that is done: it may hold tasks, or obey another leader."""
        if self.obeyed is not hello or not self._is_life(agent_id) or self.agent.is_busy:
            return False
        self.world.log(f"{agent_id} is let go of")
        self.release()
        return True

    def release(self) -> None:
        """End the agent, however that comes about."""
        self.is_released = True
        self.agent.die()
        self.former_ids.append(self.agent.info.agent_id)

    def use(self) -> None:
        """Start an agent, if there is none."""
        if self.is_released:
            self.is_released = False
            self.agent = self._new_life()
            self._fence = self._new_fence()

    def renew(self, fence_ms: int) -> bool:
        """Have an agent with another fence end, if it holds no tasks; tell whether it has."""
        self.fence_ms = fence_ms
        if self._present_fence_ms == fence_ms or self.agent.is_busy:
            return False
        self.world.log(f"{self.agent.info.agent_id} makes way for one with a fence of {fence_ms} ms")
        self.restart()
        return True

    def _is_life(self, agent_id: str) -> bool:
        return agent_id == self.agent.info.agent_id and not self.is_released

    def _new_fence(self) -> Fence:
        self._present_fence_ms = self.fence_ms
        return Fence(self.fence_ms, self.world.monotonic_ms())

    def _new_life(self) -> AgentModel:
        agent_id = f"{self.name}-{self.world.random.getrandbits(32):08x}"
        # Where machines are let go of there is to be need for more than one of them.
        cpus = 2 if self.world.release_idle_ms else 8
        return AgentModel(self.world, agent_id, cpus=cpus, memory_mb=16_384)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(max(HEARTBEAT_SECONDS, self.frozen_until - self.world.loop.time()))
            if self.is_released:
                continue
            now_ms = self.world.monotonic_ms()
            if self._fence.is_over(now_ms):
                self.world.log(f"{self.agent.info.agent_id} fences itself")
                self.restart()
            self.world.send_heartbeat(self, now_ms)

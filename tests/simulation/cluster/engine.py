"""One scheduler's way to the machines of a simulated cluster, as `engine/contract.py` promises."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from elasticjob_cloud.agent.scheduler_link.frames import Hello
from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.engine.refusals import Refusals
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import AgentEvents, AgentJoined, AgentLost, Command
from tests.fakes.silent_engine import SilentEngine
from tests.simulation.cluster.agent import HEARTBEAT_SECONDS, FenceSettings, Machine

if TYPE_CHECKING:
    from tests.simulation.cluster.cluster import Cluster
    from tests.simulation.cluster.host import Host


_RELEASE_SECONDS = 10.0  # after which an answer that is missing comes no more


class ClusterEngine(SilentEngine):
    """Watches heartbeats, and answers them while the lease lasts. A mutant switches `asks_for_lease` off."""

    asks_for_lease = True

    def __init__(self, world: "Cluster", host: "Host", settings: FenceSettings) -> None:
        self._world = world
        self._host = host
        self._settings = settings
        self.lost_seconds = settings.lost_ms / 1000
        self._lost_ms = settings.lost_ms
        self.hello = Hello(-1)
        self.renewals = 0
        self._lineage: Lineage | None = None
        self._refusals = Refusals()
        self.prepared = 0
        self.is_ready = False  # it holds what `stop` has to let go of
        self._sink: EventSink | None = None
        self._last_heard_ms: dict[str, int] = {}  # by agent id, of those that are known and not lost
        self._joined: set[str] = set()
        self._released: dict[str, str] = {}  # by machine: the agent that was to end
        self._ended: set[str] = set()  # those of them of which it is known
        self._wants_room = False
        self._lead_until_ms = 0
        self._watch: asyncio.Task[None] | None = None

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        assert self._watch is None, "an engine was started that had not been stopped"
        self.hello = Hello(epoch, self._lineage)
        self.renewals = 0
        self._refusals = Refusals()
        self._sink = sink
        self._joined.clear()
        self._last_heard_ms = dict.fromkeys(known_agents, self._world.monotonic_ms())
        self._released.clear()
        self._watch = asyncio.create_task(self._watch_agents())

    async def prepare(self) -> None:
        assert self._watch is None, "an engine was prepared that is in use"
        self.prepared += 1
        self.is_ready = True

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        assert self._watch is None, "told to an engine that is in use"
        self._lineage = lineage

    def renewed(self, renewals: int) -> None:
        self.renewals = renewals

    @property
    def refusal(self) -> str | None:  # type: ignore[override]  # a constant where agents obey whoever comes
        return self._refusals.judge(self._world.loop.time(), has_joined=bool(self._joined))

    def lose_after(self, seconds: float) -> None:
        assert self._watch is None, "told to an engine that is in use"
        self._lost_ms = round(seconds * 1000)

    def lead_until(self, deadline: float) -> None:
        self._lead_until_ms = int(deadline * 1000)

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        pass

    def want_room(self, runs: Sequence[Pieces]) -> None:
        self._wants_room = bool(runs)
        self._use_machines()

    def release(self, agent_id: str) -> None:
        machine = self._world.machine_of(agent_id)
        if machine is None or agent_id not in self._joined:
            return  # it joins anew, or is lost
        self._joined.discard(agent_id)
        self._last_heard_ms.pop(agent_id, None)
        self._released[machine.name] = agent_id

        def told(*, has_ended: bool) -> None:
            if has_ended:
                self._ended.add(agent_id)
            elif self._released.get(machine.name) == agent_id and agent_id not in self._ended:
                del self._released[machine.name]

        self._world.carry_release(self._host, self.hello, machine, agent_id, told)
        asyncio.get_running_loop().call_later(_RELEASE_SECONDS, lambda: told(has_ended=False))

    def reconcile(self, known_agents: frozenset[str]) -> None:
        self._joined.clear()
        for agent_id in known_agents:
            self._last_heard_ms.setdefault(agent_id, self._world.monotonic_ms())

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        self._world.carry_commands(self._host, self.hello, agent_id, list(commands))

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        self._world.carry_acknowledgement(self._host, self.hello, agent_id, sequence)

    async def stop(self) -> None:
        self._sink = None
        # Letting go of real agents takes a while, which must hold up nobody.
        await asyncio.sleep(self._world.random.choice((0.0, 0.5, 3.0)))
        self.is_ready = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def heartbeat(self, machine: Machine, sent_ms: int) -> None:
        """A machine's heartbeat has arrived."""
        if self._sink is None:
            return
        if machine.is_released or machine.name in self._released:
            return  # of a session that is over
        refused = machine.greet(self.hello)
        if refused is not None:
            self._joined.discard(machine.agent.info.agent_id)
            self._refusals.note(machine.name, refused)
            return
        if machine.agent.info.agent_id not in self._joined and machine.renew(self._settings.fence_ms):
            return
        agent_id = machine.agent.info.agent_id
        self._last_heard_ms[agent_id] = self._world.monotonic_ms()
        if self._last_heard_ms[agent_id] < self._lead_until_ms or not self.asks_for_lease:
            self._world.carry_heartbeat_answer(self._host, self.hello, machine, sent_ms, self.renewals)
        if agent_id not in self._joined:
            self._joined.add(agent_id)
            self._sink(AgentJoined(machine.agent.inventory()))
            for former in machine.former_ids:
                self._lose(former, "its successor has ended what it left")

    def connection_broke(self, agent_id: str) -> None:
        """Messages may have been lost: the agent has to join anew. (Engines learn it from their transport.)"""
        self._joined.discard(agent_id)

    def news(self, batch: AgentEvents) -> None:
        """An agent's news have arrived; those of one that has not joined come again when it does."""
        if self._sink is not None and batch.agent_id in self._joined:
            self._sink(batch)

    def _use_machines(self) -> None:
        """Have agents on all machines but those that were let go of, and on these too when there is need."""
        if self._sink is None:
            return
        if self._wants_room or len(self._released) == len(self._world.machines):
            self._released.clear()
        for machine in self._world.machines:
            if machine.name not in self._released:
                self._world.carry_use(self._host, machine)

    def _lose(self, agent_id: str, reason: str) -> None:
        if self._sink is not None and self._last_heard_ms.pop(agent_id, None) is not None:
            self._joined.discard(agent_id)
            self._sink(AgentLost(agent_id, reason))

    async def _watch_agents(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._use_machines()
            now_ms = self._world.monotonic_ms()
            for agent_id, heard_ms in list(self._last_heard_ms.items()):
                if now_ms - heard_ms >= self._lost_ms:
                    self._lose(agent_id, "nothing was heard of it")

"""One node's relay, seen from the gateway: finding it or making it, and finding out how it ended."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.engine.ray.frames import FromGateway, GatewaySettings, Trouble
from elasticjob_cloud.engine.ray.nodes.causes import cause_of_death, worker_of
from elasticjob_cloud.engine.ray.nodes.facts import NodeFacts
from elasticjob_cloud.engine.ray.relays.relay import Relay, RelayFacts
from elasticjob_cloud.model.errors import UnavailableError

_GONE_SECONDS = 5.0
_GONE_POLL_SECONDS = 0.1
_EXPLAIN_SECONDS = 5.0
_EXPLAIN_POLL_SECONDS = 0.1
_MONITOR_WARNING = (
    "Ray's memory monitor is on at node {}. It kills the relay, and so cuts off the agent, when the machine's memory runs "
    "low, whoever uses it. Start Ray there with RAY_memory_monitor_refresh_ms=0 (docs/ray.md)."
)
T = TypeVar("T")


class Surroundings(Protocol):
    """What a node and its relay take from their gateway."""

    def tell(self, frame: FromGateway) -> None:
        """Send a message to the scheduler."""

    async def in_finder_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call that looks for something made in a thread."""

    async def in_lease_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call about leases made in a thread."""

    def check_job(self) -> None:
        """Raise `UnavailableError` where actors that this driver makes would never run. Blocks."""

    @property
    def monitors_memory(self) -> bool:
        """Whether the cluster's settings leave Ray's memory monitor on, unless a node's environment turns it off."""


class RelayFinder:
    """Finds the relay of a node, or makes it."""

    def __init__(self, settings: GatewaySettings, facts: NodeFacts, gateway: Surroundings) -> None:
        self._settings = settings
        self._node_id = facts.node_id
        self._ip = facts.ip
        self._gateway = gateway
        self._worker_id = ""  # of the relay that was opened last
        self._has_warned = False
        self._explaining: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """The node is no more."""
        if self._explaining is not None:
            self._explaining.cancel()

    async def find(self) -> Any:
        """Find the relay; raise `ValueError` where there is none."""
        return await self._gateway.in_finder_thread(ray.get_actor, self._name)

    async def find_or_make(self, *, may_make: bool) -> Any:
        """Find the relay, or make it."""
        return await self._gateway.in_finder_thread(self._find_or_make, may_make)

    async def restart(self, relay: Any) -> None:
        """Have Ray start a relay again that does not answer: it does not notice one that is frozen.

        The agent is none of its children.
        """
        await self._gateway.in_finder_thread(_restart, relay)

    async def is_gone(self) -> bool:
        """Wait until Ray has forgotten the relay; tell whether it has."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _GONE_SECONDS
        while loop.time() < deadline:
            try:
                await self.find()
            except ValueError:
                return True
            await asyncio.sleep(_GONE_POLL_SECONDS)
        return False

    def note_open(self, relay: RelayFacts | None) -> None:
        """Note what a relay said of itself, and warn once where Ray may kill it. One of an earlier build says nothing."""
        if relay is None:
            return
        self._worker_id = relay.worker_id
        if relay.monitors_memory and self._gateway.monitors_memory and not self._has_warned:
            self._has_warned = True
            self._gateway.tell(Trouble(_MONITOR_WARNING.format(self._ip)))

    def explain_death(self, relay: Any) -> None:
        """Tell how a relay ended, if it has: Ray's exceptions only say that it is away."""
        worker_id, self._worker_id = self._worker_id, ""
        if self._explaining is None or self._explaining.done():
            self._explaining = asyncio.get_running_loop().create_task(self._explain(relay, worker_id))

    async def _explain(self, relay: Any, worker_id: str) -> None:
        """The head hears of a death a moment after the connection broke; it knows the worker of an actor while that runs."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _EXPLAIN_SECONDS
        with contextlib.suppress(Exception):  # the head may be away
            while loop.time() < deadline:
                worker_id = worker_id or await self._gateway.in_finder_thread(worker_of, relay._actor_id)  # noqa: SLF001 - it has no public name
                cause = worker_id and await self._gateway.in_finder_thread(cause_of_death, worker_id)
                if cause:
                    self._gateway.tell(Trouble(f"Node {self._ip}: {cause}", self._node_id, cause))
                    return
                await asyncio.sleep(_EXPLAIN_POLL_SECONDS)

    @property
    def _name(self) -> str:
        return f"agent/{self._node_id}"

    def _find_or_make(self, may_make: bool) -> Any:  # noqa: FBT001 - threads take positional arguments
        """Blocks."""
        with contextlib.suppress(ValueError):  # there is none
            return ray.get_actor(self._name)
        if not may_make:
            raise UnavailableError("Ray drains the node: nothing new is started there.")
        self._gateway.check_job()
        actor_class: Any = Relay  # to type checkers the class itself
        return actor_class.options(
            name=self._name,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=1_000,
            # The head remembers the newest 100,000 calls of all users: ours would soon be all of them.
            enable_task_events=False,
            scheduling_strategy=NodeAffinitySchedulingStrategy(self._node_id, soft=False),
        ).remote(self._settings.agent_dir, self._settings.agent_settings, relay_build(self._settings))


def relay_build(settings: GatewaySettings) -> str:
    """Give what tells the relays of this version with these settings from all others."""
    return f"{build_of(agent_settings_of(settings))} {settings.agent_dir}"


def agent_settings_of(settings: GatewaySettings) -> AgentSettings:
    """Read what agents are started with."""
    return msgspec.json.decode(settings.agent_settings, type=AgentSettings)


def _restart(relay: Any) -> None:
    with contextlib.suppress(Exception):
        ray.kill(relay, no_restart=False)

"""`python -m elasticjob_cloud.engine.ray.gateway`: the Ray driver, in a process of its own.

It ends when its scheduler does, or hangs up; and it dies when Ray's head is away for long, as every driver does. What it
knows, the next one finds again: nodes, relays and leases are Ray's.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import ray
from ray.job_config import JobConfig

from elasticjob_cloud.agent.process.own_memory import hide_from_jobs
from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol
from elasticjob_cloud.engine.ray.frames import (
    Beat,
    Begin,
    Forward,
    FromGateway,
    GatewaySettings,
    Hold,
    NodeGone,
    Ready,
    Release,
    Trouble,
    Want,
    decode_to_gateway,
)
from elasticjob_cloud.engine.ray.nodes.blocks import Leases, WantedRoom
from elasticjob_cloud.engine.ray.nodes.facts import (
    NodeFacts,
    cluster_monitors_memory,
    death_of,
    has_come_back,
    is_living,
    read_facts,
    with_room_of,
)
from elasticjob_cloud.engine.ray.nodes.node import Node
from elasticjob_cloud.model.errors import UnavailableError

_BEAT_SECONDS = 1.0
# Ray itself tries for minutes before it says anything, and now and then for ever: the next gateway has better luck.
_PATIENCE_SECONDS = 10.0
_JOIN_SECONDS = 30.0
_LOOK_SECONDS = 1.0
_LOOKS_UNTIL_TIDIED = 10
T = TypeVar("T")


class Gateway:
    """One scheduler's driver."""

    def __init__(self, settings: GatewaySettings, connection: socket.socket) -> None:
        self._settings = settings
        self._socket = connection
        self._protocol = FrameProtocol(self._receive, lambda _: self._over.set())
        self._over = asyncio.Event()
        self._own_node_id = ""
        self._monitors_memory = True
        self._nodes: dict[str, Node] = {}
        self._leases = Leases(settings.namespace)
        self._wanted = WantedRoom(settings.namespace)
        self._runs: list[tuple[tuple[float, float], ...]] = []
        self._beating: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        # Ray's calls that ask the head block, for long when it is away: those of one kind wait for each other only.
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._finding = ThreadPoolExecutor(8, thread_name_prefix="find")
        self._leasing = ThreadPoolExecutor(4, thread_name_prefix="lease")

    async def run(self) -> int:
        """Serve until the scheduler hangs up; give the exit code."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self._protocol, sock=self._socket)
        self._beating = loop.create_task(self._beat())
        joining = loop.run_in_executor(self._looking, self._join)
        hanging_up = loop.create_task(self._over.wait())
        for seconds in (_PATIENCE_SECONDS, _JOIN_SECONDS - _PATIENCE_SECONDS):
            await asyncio.wait((joining, hanging_up), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set():
                return 0
            if joining.done():
                break
            self.tell(Trouble(f"The Ray cluster at {self._settings.address} does not answer yet."))
        fault = joining.exception() if joining.done() else TimeoutError("no answer")
        if fault is not None:
            self.tell(Trouble(f"The Ray cluster at {self._settings.address} cannot be joined: {fault}"))
            self._protocol.close()
            await self._over.wait()
            return 1
        self.tell(Ready(_cluster_id()))
        await self._over.wait()
        return 0

    def tell(self, frame: FromGateway) -> None:
        """Send a message to the scheduler."""
        self._protocol.send(frame)

    async def in_finder_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call that looks for something made in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._finding, call, *arguments)

    async def in_lease_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Have a call about leases made in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._leasing, call, *arguments)

    def check_job(self) -> None:
        """Raise `UnavailableError` where Ray has given up the node of this gateway. Blocks.

        Ray forgets the code of a driver's actors with its node. An actor that is made then never runs, nor can any
        driver get hold of it.
        """
        if not is_living(self._own_node_id, ray.nodes()):
            raise UnavailableError("Ray has given up the gateway's own node, which has to come back first.")

    @property
    def monitors_memory(self) -> bool:
        """Whether the cluster's settings leave Ray's memory monitor on, unless a node's environment turns it off."""
        return self._monitors_memory

    def _join(self) -> None:
        ray.init(
            address=self._settings.address,
            namespace=self._settings.namespace,
            # Workers import the relay's code from the package on their node. Else they ask the head for this job's code,
            # which it may have forgotten by the time that a relay is started again: once it counts our node as dead.
            job_config=JobConfig(code_search_path=[os.devnull]),
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
        )
        self._own_node_id = ray.get_runtime_context().get_node_id()
        self._monitors_memory = cluster_monitors_memory()

    def _receive(self, _: FrameProtocol, content: bytes) -> None:
        match decode_to_gateway(content):
            case Begin():
                if self._watching is None:
                    self._watching = asyncio.get_running_loop().create_task(self._watch())
            case Forward(node_id, session, frames):
                if node_id in self._nodes:
                    self._nodes[node_id].forward(session, frames)
            case Hold() as hold:
                if hold.node_id in self._nodes:
                    self._nodes[hold.node_id].hold(hold)
            case Release(node_id):
                if node_id in self._nodes:
                    self._nodes[node_id].release()
            case Want(runs):
                self._runs = runs  # seen to by the next look
                self._use_what_is_needed()

    async def _beat(self) -> None:
        while True:
            self.tell(Beat())
            await asyncio.sleep(_BEAT_SECONDS)

    async def _watch(self) -> None:
        """Look for nodes that came, went, or have other room than before."""
        loop = asyncio.get_running_loop()
        looks = 0
        while True:
            try:
                nodes = await loop.run_in_executor(self._looking, ray.nodes)
                if has_come_back(self._own_node_id, nodes):
                    # Where it is not back yet, this gateway still serves the agents that it has.
                    self.tell(
                        Trouble("Ray has given up the gateway's own node, which is back: joining anew.")
                    )
                    self._protocol.close()
                    return
                facts = await loop.run_in_executor(self._looking, self._read_facts, nodes)
                self._take(facts, nodes)
                await loop.run_in_executor(self._looking, self._wanted.update, self._runs)
                if looks % _LOOKS_UNTIL_TIDIED == 0:
                    living = {it.node_id for it in facts}
                    await loop.run_in_executor(self._leasing, self._leases.forget_lost, living)
                looks += 1
            except Exception as error:  # noqa: BLE001 - the head may be away for a while
                self.tell(Trouble(f"Ray's head does not answer: {error}"))
            await asyncio.sleep(_LOOK_SECONDS)

    def _read_facts(self, nodes: list[dict[str, Any]]) -> list[NodeFacts]:
        """Blocks."""
        # First what is free: a group that comes between the two is counted twice for a moment, rather than never.
        facts = read_facts(nodes)
        return with_room_of(facts, self._wanted.held())

    def _take(self, facts: list[NodeFacts], nodes: list[dict[str, Any]]) -> None:
        for fact in facts:
            node = self._nodes.get(fact.node_id)
            if node is None:
                node = self._nodes[fact.node_id] = Node(self._settings, fact, self, self._leases)
                node.start()
            node.look(fact)
        for node_id in self._nodes.keys() - {fact.node_id for fact in facts}:
            self._nodes.pop(node_id).stop()
            self.tell(NodeGone(node_id, death_of(node_id, nodes)))
        self._use_what_is_needed()

    def _use_what_is_needed(self) -> None:
        """Use the nodes again that were released, while runs find no room, or where no other node is left.

        One that Ray drains is not among them: with a relay on it Ray would wait for that one to end.
        """
        nodes = [node for node in self._nodes.values() if not node.is_draining]
        if self._runs or all(node.is_released for node in nodes):
            for node in nodes:
                node.use()


def _cluster_id() -> str:
    # Ray's own id of a cluster, which its public interface does not have; an address may be the same in two of them.
    with contextlib.suppress(Exception):
        return str(ray._private.worker.global_worker.current_cluster_and_job[0].hex())  # noqa: SLF001 - see above
    return ""


def main() -> None:
    """Run a gateway over the socket that it inherits; `GatewaySettings` come as JSON through its input."""
    parser = argparse.ArgumentParser(prog="python -m elasticjob_cloud.engine.ray.gateway")
    parser.add_argument("--socket", type=int, required=True, help="the descriptor of the scheduler's socket")
    arguments = parser.parse_args()
    hide_from_jobs()
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=GatewaySettings)
    logging.basicConfig(level=logging.WARNING)

    async def serve() -> None:
        code = await Gateway(settings, socket.socket(fileno=arguments.socket)).run()
        sys.stderr.flush()
        # At once: Ray's own farewell waits for a head that may be away, and asyncio's for threads that wait for it too.
        os._exit(code)

    asyncio.run(serve())


if __name__ == "__main__":
    main()

"""The engine of one machine: an agent behind a Unix socket, started when there is none, and outliving the scheduler."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from elasticjob_cloud.agent.reporting.logs.answers import LogAnswers
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import Acknowledge, Commands, Hello, Ping
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.agent_process import AgentLauncher
from elasticjob_cloud.engine.contract import EventSink, Pieces
from elasticjob_cloud.engine.local_connection import AgentConnection
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.errors import AgentsRefuseError, StartError, UnavailableError
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import (
    AgentDraining,
    AgentEvents,
    AgentJoined,
    AgentLost,
    Command,
    DisksMeasured,
    Inventory,
    Sandbox,
)
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply

_log = structlog.get_logger(__name__)
_CONNECT_RETRY_SECONDS = 0.02
_RETRY_SECONDS = 1.0
_PING_SECONDS = 1.0
_GOODBYE_SECONDS = 2.0
_ORPHANS_END_SECONDS = 30.0  # what an agent without a scheduler may take to notice and to end


class LocalEngine:
    """Keeps `engine.contract.Engine` with the one agent of this machine.

    Args:
        directory: The agent's, for its files and its socket.
        settings: What a newly started agent is given; one that runs already keeps its own.
        cpus: What the agent is said to have, instead of what it finds.
        memory_mb: Likewise.
        start_seconds: How long an agent may take to answer after it was started.
        unresponsive_seconds: How long an agent that runs may say nothing, before it is ended and replaced.
        stranger_seconds: After how long an agent of another directory, which only a scheduler there could find, has
            surely ended its tasks; by default a little more than its orphan rule takes.
    """

    def __init__(
        self,
        directory: Path,
        settings: AgentSettings | None = None,
        cpus: float | None = None,
        memory_mb: float | None = None,
        *,
        start_seconds: float = 20.0,
        unresponsive_seconds: float = 10.0,
        stranger_seconds: float | None = None,
    ) -> None:
        settings = settings or AgentSettings()
        self._place = AgentDirectory(directory)
        self._launcher = AgentLauncher(self._place, settings)
        self._output_limit_bytes = settings.output_limit_bytes
        orphan_seconds = settings.orphan_seconds + settings.kill_grace_seconds + _ORPHANS_END_SECONDS
        self._own_stranger_seconds = orphan_seconds if stranger_seconds is None else stranger_seconds
        self._stranger_seconds = self._own_stranger_seconds
        self._strangers: dict[str, asyncio.TimerHandle] = {}
        self._cpus = cpus
        self._memory_mb = memory_mb
        self._start_seconds = start_seconds
        self._unresponsive_seconds = unresponsive_seconds
        self.cluster_id = ""  # there is none
        self._hello = Hello(0)
        self._lineage: Lineage | None = None
        self._takes_over = False
        self._renewals = 0
        self._refusal: str | None = None
        self._known: set[str] = set()
        self._sink: EventSink | None = None
        self._connection: AgentConnection | None = None
        self._agent_id = ""
        self._supervisor: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Nothing to make ready: an agent has one scheduler, and is found in no time. See the contract."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        """Find or start the agent; return once it has joined. See the contract."""
        self._hello = Hello(epoch, self._lineage, self._takes_over)
        self._renewals = 0
        self._refusal = None
        self._known = set(known_agents)
        self._sink = sink
        connection = await self._reach()
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(connection))

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        """Greet the agent with this record. See the contract."""
        self._lineage, self._takes_over = lineage, takes_over

    def renewed(self, renewals: int) -> None:
        """Tell the agent with the next ping. See the contract."""
        self._renewals = renewals

    @property
    def refusal(self) -> str | None:
        """Why the agent obeys another. See the contract."""
        return self._refusal

    @property
    def lost_seconds(self) -> float:
        """When an agent of another directory has surely ended its tasks. See the contract."""
        return self._own_stranger_seconds

    def lose_after(self, seconds: float) -> None:
        """Wait so long for an agent of another directory. See the contract."""
        self._stranger_seconds = seconds

    def lead_until(self, deadline: float) -> None:
        """No other scheduler can lead here: the agent asks for no lease. See the contract."""

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        """The machine is ours. See the contract."""

    def want_room(self, runs: Sequence[Pieces]) -> None:
        """There is no other machine to ask for. See the contract."""

    def release(self, agent_id: str) -> None:  # noqa: ARG002 - the only one
        """This machine is not taken away: its agent joins anew. See the contract."""
        self.reconcile(frozenset())

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        """Send commands in order. See the contract."""
        if self._connection is not None and agent_id == self._agent_id and commands:
            self._connection.send(Commands(list(commands)))

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        """Let the agent forget what is committed. See the contract."""
        if self._connection is not None and agent_id == self._agent_id:
            self._connection.send(Acknowledge(sequence))

    def reconcile(self, known_agents: frozenset[str]) -> None:
        """Have the agent tell anew what it holds. See the contract."""
        self._known |= known_agents
        if self._connection is not None:
            # A second hello is answered as the first one was; without a connection the next one brings the answer.
            self._connection.send(self._hello)

    async def ask_log(self, agent_id: str, question: LogQuestion) -> LogReply:  # noqa: ARG002 - any life's
        """Read or search a task's output; that of earlier agents is kept by the present one. See the contract.

        Without a connection to the agent it is read from the disk: output can be read while nobody leads.
        """
        connection = self._connection
        if connection is not None:
            return await connection.ask_log(question)
        return await asyncio.to_thread(self._answer_from_disk, question)

    def _answer_from_disk(self, question: LogQuestion) -> LogReply:
        present = self._place.read_process()
        runs = present is not None and present.runs()
        outputs = OutputStore(self._place.path / "output", self._output_limit_bytes)
        try:
            # Whether the task still runs only its agent knows, if there is one.
            return LogAnswers(outputs).answer(question, known=runs, ended=not runs)
        except OSError as error:
            raise UnavailableError(f"The output cannot be read: {error}") from error

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List where the agent keeps the app's files. See the contract."""
        return await self._present().sandboxes(app_name)

    async def stop(self) -> None:
        """Let go of the agent. See the contract."""
        for timer in self._strangers.values():
            timer.cancel()
        self._strangers.clear()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.say_goodbye()
            try:
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await connection.closed.wait()
            except TimeoutError:
                connection.abort()
        self._launcher.let_go()

    def _present(self) -> AgentConnection:
        if self._connection is None:
            raise UnavailableError("The agent is being started; try again in a moment.")
        return self._connection

    async def _supervise(self, connection: AgentConnection) -> None:
        """Stay connected to an agent, whatever becomes of it."""
        while True:
            await self._watch(connection)
            self._connection = None
            if connection.refusal is not None:
                self._refusal = connection.refusal
                return
            _log.warning("The connection to the agent broke; connecting again.", agent=self._agent_id)
            next_connection = await self._reach_at_last()
            if next_connection is None:
                return
            connection = next_connection

    async def _watch(self, connection: AgentConnection) -> None:
        """Return when the connection is lost, or its agent says nothing any more and has been ended."""
        loop = asyncio.get_running_loop()
        while not connection.closed.is_set():
            connection.send(Ping(self._renewals))
            try:
                async with asyncio.timeout(_PING_SECONDS):
                    await connection.closed.wait()
            except TimeoutError:
                silent_seconds = loop.time() - connection.heard_at
                if silent_seconds > self._unresponsive_seconds:
                    _log.error("The agent does not answer; it is replaced.", agent=self._agent_id)
                    connection.abort()
                    await asyncio.to_thread(self._launcher.end_present)
                    return

    async def _reach_at_last(self) -> AgentConnection | None:
        while True:
            try:
                return await self._reach()
            except AgentsRefuseError as error:
                self._refusal = str(error)
                return None
            except (StartError, OSError) as error:
                # Of whatever kind: nobody else would look for an agent while this scheduler leads.
                _log.error("No agent could be started; trying again.", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _reach(self) -> AgentConnection:
        """Connect to the agent that runs, or to a new one, and make it known."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._start_seconds
        while True:
            opened = await self._try_open()
            if opened is not None:
                self._join(*opened)
                return opened[0]
            await asyncio.to_thread(self._launcher.start)
            await asyncio.sleep(_CONNECT_RETRY_SECONDS)
            if loop.time() > deadline:
                fault = await asyncio.to_thread(self._launcher.fault)
                # One that holds the directory and never listens would be in the way for ever.
                await asyncio.to_thread(self._launcher.end_present)
                raise StartError(fault or f"The agent did not answer within {self._start_seconds:g} s.")

    async def _try_open(self) -> tuple[AgentConnection, Inventory] | None:
        # Its name in a shared temporary directory can be foreseen: another user must not be taken for our agent.
        self._place.find_sockets()
        self._place.ensure_socket_directory()
        connection = AgentConnection(
            self._batch_received, self._tell_inventory, self._tell_draining, self._tell_disks
        )
        try:
            async with asyncio.timeout(self._unresponsive_seconds):
                inventory = await connection.open(str(self._place.socket), self._hello)
        except TimeoutError:
            connection.abort()
            _log.error("An agent runs but does not answer; it is replaced.")
            await asyncio.to_thread(self._launcher.end_present)
            return None
        except OSError:
            connection.abort()
            return None
        return connection, inventory

    def _join(self, connection: AgentConnection, inventory: Inventory) -> None:
        self._connection, self._agent_id = connection, inventory.agent.agent_id
        _log.info("The agent is reached.", agent=self._agent_id, socket=str(self._place.socket))
        self._tell_inventory(inventory)
        connection.deliver_early()

    def _tell_inventory(self, inventory: Inventory) -> None:
        assert self._sink is not None
        agent = inventory.agent
        agent = msgspec.structs.replace(
            agent,
            cpus=agent.cpus if self._cpus is None else self._cpus,
            memory_mb=agent.memory_mb if self._memory_mb is None else self._memory_mb,
        )
        self._sink(AgentJoined(msgspec.structs.replace(inventory, agent=agent)))
        # The agent has this directory to itself, and has ended what earlier ones left, before it answered anyone.
        former = self._known.intersection(inventory.predecessors)
        how = self._launcher.take_last_end()
        for lost in sorted(former):
            said = f"Agent {lost} ended{how}; {agent.agent_id} took its place."
            self._sink(AgentLost(lost, said))
        for stranger in sorted(self._known - former - {agent.agent_id}):
            self._wait_for_end_of(stranger)
        self._known = {agent.agent_id}

    def _tell_draining(self, reason: str) -> None:
        if self._sink is not None:
            self._sink(AgentDraining(self._agent_id, reason))

    def _tell_disks(self, disks: tuple[Disk, ...]) -> None:
        if self._sink is not None:
            self._sink(DisksMeasured(self._agent_id, disks))

    def _wait_for_end_of(self, stranger: str) -> None:
        """Its directory is another, perhaps on another machine, where it may run its tasks on for as long as it is let."""
        if stranger not in self._strangers:
            _log.warning(
                "Tasks are recorded of an agent that is not this directory's; they count as lost when it has surely ended.",
                agent=stranger,
                seconds=self._stranger_seconds,
            )
            loop = asyncio.get_running_loop()
            self._strangers[stranger] = loop.call_later(self._stranger_seconds, self._lose_stranger, stranger)

    def _lose_stranger(self, agent_id: str) -> None:
        del self._strangers[agent_id]
        if self._sink is not None:
            self._sink(AgentLost(agent_id, f"Agent {agent_id} was elsewhere, and has no scheduler any more."))

    def _batch_received(self, batch: AgentEvents) -> None:
        assert self._sink is not None
        self._sink(batch)

"""What every engine promises: how a scheduler finds its agents and talks to them.

`local`, `ray` and the fake of the tests keep this contract, and one suite (`tests/contract`) runs against all.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import Command, EngineEvent, Sandbox
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply

EventSink = Callable[[EngineEvent], None]
Pieces = tuple[tuple[float, float], ...]  # CPUs and MB of each shard, to be found on one machine


class Engine(Protocol):
    """A scheduler's way to its agents. All methods are called on the event loop's thread."""

    @property
    def cluster_id(self) -> str:
        """What identifies the cluster that the agents are on; empty where there is none, or where it is not joined yet."""

    async def prepare(self) -> None:
        """Make ready, so that a later `start` takes little time; touch no agent. Standbys call it now and then."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        """Find the agents, and from now on hand what happens to `sink`, on the loop's thread.

        For each id in `known_agents` (those that recorded tasks name) there will be, soon or late, an `AgentJoined` or an
        `AgentLost`. `AgentLost` comes only when nothing that the agent started can run any more, and after all statuses
        that the agent, or its successor on its behalf, could still tell. `AgentJoined` comes again after each reconnect.
        `AgentDraining` comes as soon as it is known that an agent, or its machine, is about to end: it goes on with what
        it runs for now, and must get no new task. It never takes new tasks again; `AgentJoined` says so too by then.
        `DisksMeasured` comes now and then, of agents that have joined.
        Raises `StartError` when there can be no agent; `AgentsRefuseError` when none obeys: see `refusal`.
        """

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        """Say which record this scheduler leads with. Comes before each `start`.

        An agent obeys who follows the record that it knows (`model/lineage.py`), and refuses all others, such as a
        scheduler on a restored copy of the database, unless that `takes_over`.
        """

    def renewed(self, renewals: int) -> None:
        """So many renewals of the term are recorded: agents are told, so that they refuse a record that lacks them."""

    @property
    def refusal(self) -> str | None:
        """Why the agents do not obey this scheduler in this term, and what to do; None while they do.

        That is when none obeys, or one has said that this record is a copy of another that goes on.
        """

    @property
    def lost_seconds(self) -> float:
        """After how long without a word from an agent it is lost, by this scheduler's settings."""

    def lose_after(self, seconds: float) -> None:
        """Call an agent lost only after so long without a word. Comes before each `start`.

        It is at least `lost_seconds`, and more where an agent may have the fence that another scheduler's settings gave it.
        """

    def lead_until(self, deadline: float) -> None:
        """The lease is ours up to this time of the monotonic clock, in seconds: beyond it no agent is told that it has a scheduler.

        So an agent that only a deposed leader can still reach ends its tasks before the next one starts them elsewhere.
        """

    def reserve(self, agent_id: str, cpus: float, memory_mb: float) -> None:
        """Say what the agent's tasks and executors take from now on, those of the commands that follow included.

        An engine that shares its machines with others takes that much from them before it hands on a launch, and gives
        back what is too much. Where it cannot have it, the launches that wait for it end as `TASK_DROPPED`.
        """

    def want_room(self, runs: Sequence[Pieces]) -> None:
        """Say which runs wait for room that the agents have not; nothing when nothing waits.

        The pieces of a run start together or not at all. An engine that can have more machines asks for them, and brings
        those back that were released.
        """

    def release(self, agent_id: str) -> None:
        """Say that an agent, which holds no tasks, is not needed for now. An engine whose machines can be taken away lets it end.

        It is counted as gone by then: there is no `AgentLost` for it. One that stays, since the engine takes no machine
        away, since it holds tasks after all, or since it could not be ended, joins again. One that is ending needs nothing.
        """

    def send(self, agent_id: str, commands: Sequence[Command]) -> None:
        """Send commands in order, without waiting.

        Those to an agent that cannot be reached are lost; the `AgentJoined` of its return lets the core send again what
        is still due.
        """

    def acknowledge(self, agent_id: str, sequence: int) -> None:
        """Tell the agent that its events up to this sequence number are committed, so that it can forget them."""

    def reconcile(self, known_agents: frozenset[str]) -> None:
        """Have every agent tell anew what it holds: an `AgentJoined` for each that can be reached.

        Those in `known_agents` that are gone for good lead to an `AgentLost` again.
        """

    async def ask_log(self, agent_id: str, question: LogQuestion) -> LogReply:
        """Read or search a task's output; the reply is of the question's kind.

        Raises `NotFoundError` when the output is not kept (any more), `UnavailableError` when the agent does not answer, or
        is of an earlier version that cannot answer this.
        """

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """List where the agents keep the app's files."""

    async def stop(self) -> None:
        """Let go of the agents. Their tasks run on; an agent that holds none may end."""

"""A scheduler's end of the connection to the agent of its machine."""

import asyncio
from collections.abc import Callable

from elasticjob_cloud.agent.scheduler_link.frames import (
    AgentFrame,
    Draining,
    EndIfIdle,
    Events,
    Farewell,
    FrameProtocol,
    Goodbye,
    Heartbeat,
    Hello,
    LogAnswer,
    Ping,
    Refused,
    SandboxesAnswer,
    SchedulerFrame,
    Welcome,
    decode_agent_frame,
)
from elasticjob_cloud.engine.questions import Questions
from elasticjob_cloud.engine.refusals import meaning_of
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.errors import AgentsRefuseError, UnavailableError
from elasticjob_cloud.model.messages import AgentEvents, Inventory, Sandbox
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply


class AgentConnection:
    """One connection, from its hello to its end.

    `receive` gets the batches, not before the caller has the inventory; `take_inventory` the later inventories;
    `take_draining` why the agent takes no new tasks; `take_disks` the disks that it has measured again.
    """

    def __init__(
        self,
        receive: Callable[[AgentEvents], None],
        take_inventory: Callable[[Inventory], None],
        take_draining: Callable[[str], None],
        take_disks: Callable[[tuple[Disk, ...]], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._take_inventory = take_inventory
        self._take_draining = take_draining
        self._take_disks = take_disks
        self._protocol = FrameProtocol(self._frame_received, self._protocol_lost)
        self._welcome: asyncio.Future[Inventory] = self._loop.create_future()
        self._questions = Questions(self.send)
        self._early: list[AgentEvents] | None = []
        self._has_left = False
        self.closed = asyncio.Event()
        self.refusal: str | None = None
        self.heard_at = self._loop.time()

    async def open(self, path: str, hello: Hello) -> Inventory:
        """Connect, say hello, and give what the agent holds.

        Raises:
            OSError: nobody listens, or the connection broke.
            AgentsRefuseError: the agent obeys another scheduler.
        """
        await self._loop.create_unix_connection(lambda: self._protocol, path)
        self.send(hello)
        return await self._welcome

    def deliver_early(self) -> None:
        """Hand on the batches that came with the inventory, and from now on each as it comes."""
        early, self._early = self._early, None
        for batch in early or ():
            self._receive(batch)

    def send(self, frame: SchedulerFrame) -> None:
        """Send a message, if the connection still is."""
        self._protocol.send(frame)

    async def ask_log(self, question: LogQuestion) -> LogReply:
        """Ask about a task's output."""
        self._check_open()
        return await self._questions.ask_log(question)

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """Ask where the app's files are."""
        self._check_open()
        return await self._questions.sandboxes(app_name)

    def say_goodbye(self) -> None:
        """Tell the agent that the scheduler stops. It hears of nothing any more; the agent closes."""
        self._has_left = True
        self.send(Goodbye())
        self._protocol.finish()

    def abort(self) -> None:
        """Close at once."""
        self._protocol.abort()

    def _check_open(self) -> None:
        if not self._protocol.is_open:
            raise UnavailableError("The agent does not answer at the moment.")

    def _frame_received(self, _: FrameProtocol, content: bytes) -> None:
        self.heard_at = self._loop.time()
        if not self._has_left:
            self._handle(decode_agent_frame(content))

    def _handle(self, frame: AgentFrame) -> None:
        match frame:
            case Welcome(inventory, _):
                if not self._welcome.done():
                    self._welcome.set_result(inventory)
                else:
                    self._take_inventory(inventory)
            case Refused():
                self.refusal = meaning_of(frame)
                self._protocol.close()
            case Events(batch):
                if self._early is not None:
                    self._early.append(batch)
                else:
                    self._receive(batch)
            case LogAnswer() | SandboxesAnswer():
                self._questions.answered(frame)
            case Draining(reason):
                self._take_draining(reason)
            case Ping(_, disks) | Heartbeat(_, disks) if disks:
                self._take_disks(disks)
            case Ping() | Heartbeat() | EndIfIdle() | Farewell():
                pass  # being heard is all; the agent's successor tells of its end

    def _protocol_lost(self, _: FrameProtocol) -> None:
        self.closed.set()
        if not self._welcome.done():
            self._welcome.set_exception(self._welcome_fault())
            self._welcome.exception()  # marks it as seen: whoever opened may have given up
        self._questions.fail()

    def _welcome_fault(self) -> Exception:
        if self.refusal is not None:
            return AgentsRefuseError(self.refusal)
        return ConnectionError("The agent closed the connection.")

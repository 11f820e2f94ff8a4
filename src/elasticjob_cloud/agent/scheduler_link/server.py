"""An agent as a process of its own: serves one scheduler at a time over a Unix socket, and outlives it.

The scheduler is on this machine, or reaches the socket through a relay (`engine/ray`). Then others may take the agent's
tasks when it is cut off, and so it fences itself.
"""

import asyncio
import contextlib
import signal
import time

import msgspec
import structlog

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.machine import kept_socket
from elasticjob_cloud.agent.machine.kept_socket import KeptSocket
from elasticjob_cloud.agent.scheduler_link.directory import AgentPlace
from elasticjob_cloud.agent.scheduler_link.fence import Fence
from elasticjob_cloud.agent.scheduler_link.frames import (
    Acknowledge,
    Commands,
    Draining,
    EndIfIdle,
    Events,
    Farewell,
    FrameProtocol,
    Goodbye,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    ListSandboxes,
    Ping,
    ReadLog,
    Retire,
    SandboxesAnswer,
    SchedulerFrame,
    Welcome,
    decode_scheduler_frame,
)
from elasticjob_cloud.agent.scheduler_link.heart import Heart
from elasticjob_cloud.agent.scheduler_link.log_desk import LogDesk
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.agent.scheduler_link.obeyed_file import ObeyedFile
from elasticjob_cloud.agent.scheduler_link.peers import GuardedProtocol, Starter
from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.messages import AgentEvents, Command

_log = structlog.get_logger(__name__)
_CHECK_SECONDS = 0.2
_FENCE_GRACE = 0.1  # of the fence's time; what has not ended by then is killed
_FENCE_GRACE_SECONDS = 1.0
_FAREWELL_SECONDS = 1.0


# What a scheduler has not read of what is told to it, beyond what it was told at first. It hears all of it when it is back.
_BACKLOG_BYTES = 64 << 20


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _heart_ms() -> int:
    """Read the clock that goes on while this machine is suspended, as the scheduler's does, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
    return _monotonic_ms()


class AgentServer:
    """Obeys the scheduler that leads with the record it knows (`obedience.py`); ends itself when none comes for long (promise 5)."""

    def __init__(
        self,
        place: AgentPlace,
        settings: AgentSettings,
        file_limit: int | None = None,
        starter: int | None = None,
    ) -> None:
        self._place = place
        self._settings = settings
        self._apps = AppCache(place.directory / "apps", settings.app_limits)
        self._agent = Agent(
            place.directory, settings, self._apps, self._emit, place.socket_directory, file_limit
        )
        self._logs = LogDesk()
        self._obedience = Obedience()
        self._starter = Starter(starter)
        self._socket = KeptSocket(lambda: GuardedProtocol(self._receive, self._lost, self._ids))
        self._cannot_listen = False
        self._touched_at = time.monotonic()
        self._scheduler: FrameProtocol | None = None
        self._backlog_limit = _BACKLOG_BYTES
        self._orphan = Fence(int(settings.orphan_seconds * 1000), _monotonic_ms())
        self._heart: Heart | None = None
        if settings.fence_seconds > 0:
            self._heart = Heart(int(settings.fence_seconds * 1000), _heart_ms())
        self._obeyed_file = ObeyedFile(place.directory / "obeyed-terms.json")
        self._former: tuple[str, ...] = ()
        self._draining = False
        self._closing = False
        self._hung_up = asyncio.Event()  # the scheduler, or its connection
        self._stop_reason = ""
        self._hurries = False

    async def run(self) -> None:
        """Serve until told to stop, drained, or orphaned."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, f"it got {number.name}.")
        # Before anything that may hang: whoever waits for this agent must be able to end it.
        is_named = self._name_process()
        if not is_named:
            _log.warning("The agent's process could not be noted; it is tried until it can be.")
        # This process has the directory's lock: whoever made those that are there is gone.
        self._place.remove_sockets()
        await self._agent.start()
        # One without a fence is its scheduler's only agent, and what ran before the machine was started is gone: to wait
        # for its orphan rule would keep jobs from running for minutes.
        has_fence = self._heart is not None
        self._former = self._place.note_life(self._agent.info.agent_id, since_start_only=has_fence)
        obeyed = self._obeyed_file.read(_heart_ms()) if has_fence else None
        if obeyed is not None:
            self._obedience.obey(obeyed)
        await self._socket.keep(self._place.socket)
        self._orphan.acknowledged(_monotonic_ms())
        _log.info("The agent serves.", agent=self._agent.info.agent_id, socket=str(self._place.socket))
        while not self._is_over():
            self._beat()
            if await self._keep_sockets() or not self._place.is_named():
                is_named = False
            is_named = is_named or self._name_process()
            self._touch_files()
            await asyncio.sleep(_CHECK_SECONDS)
        _log.info("The agent stops.", reason=self._stop_reason)
        await self._close()

    async def _keep_sockets(self) -> bool:
        """Bind again what somebody removed, elsewhere if need be; True where the sockets are elsewhere now."""
        former = self._place.socket_directory
        try:
            if not self._place.has_socket():
                self._place.choose_sockets()
                self._place.ensure_socket_directory()
            is_new = await self._socket.keep(self._place.socket)
            is_new |= await self._agent.listen(self._place.socket_directory)
        except (OSError, StartError) as error:
            if not self._cannot_listen:
                _log.error("The agent's sockets are gone and cannot be bound again.", error=str(error))
            self._cannot_listen = True
            return False
        if is_new:
            _log.warning(
                "The agent's sockets were gone; they are bound again.", socket=str(self._place.socket)
            )
        self._cannot_listen = False
        return former != self._place.socket_directory

    async def _close(self) -> None:
        self._closing = True
        self._socket.close()
        # Whoever comes now finds no agent, and waits for the lock rather than for an answer. The scheduler that is
        # there hears of each end: no successor may come to tell it where the whole machine goes.
        if self._scheduler is not None:
            self._scheduler.send(Draining(self._stop_reason))
        has_ended = await self._agent.end_all(self._stop_reason, self._closing_grace())
        await self._take_leave(has_ended=has_ended)
        await self._agent.close(self._stop_reason)
        self._place.remove_socket_directory()

    def _touch_files(self) -> None:
        # A directory below a temporary one is swept as well, its lock included.
        now = time.monotonic()
        if now - self._touched_at >= kept_socket.TOUCH_SECONDS:
            self._touched_at = now
            kept_socket.touch(*self._place.own_files())

    async def _take_leave(self, *, has_ended: bool) -> None:
        if self._scheduler is None:
            return
        if has_ended:
            self._scheduler.send(Farewell(self._stop_reason))
        self._hung_up.clear()
        self._scheduler.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._hung_up.wait()

    def _ids(self) -> tuple[str, ...]:
        return (self._agent.info.agent_id, *self._former)

    def _name_process(self) -> bool:
        try:
            self._place.write_process(self._agent.info.agent_id, build_of(self._settings))
        except OSError:
            # A full disk must not keep an agent from ending what its predecessor left: others may start that anew.
            return False
        return True

    def _stop(self, reason: str) -> None:
        self._stop_reason = self._stop_reason or reason

    def _fence(self, reason: str) -> None:
        self._hurries = True
        self._stop(reason)

    def _closing_grace(self) -> float:
        grace, fence = self._settings.kill_grace_seconds, self._settings.fence_seconds
        hurried = min(grace, _FENCE_GRACE_SECONDS, fence * _FENCE_GRACE)
        if self._hurries:
            return hurried
        if self._heart is None:
            return grace
        # No heartbeat is sent any more: whatever the grace, others may start the tasks once the fence is over.
        return max(hurried, min(grace, self._heart.left_ms(_heart_ms()) / 1000))

    def _beat(self) -> None:
        if self._scheduler is not None:
            self._obeyed_file.keep(self._obedience.hello, _heart_ms())
        if self._heart is not None and self._scheduler is not None and self._heart.is_due(_heart_ms()):
            self._scheduler.send(Heartbeat(self._heart.beat(_heart_ms())))

    def _is_over(self) -> bool:
        now_ms = _monotonic_ms()
        if self._heart is not None and self._heart.is_fenced(_heart_ms()) and not self._agent.is_idle:
            self._fence(f"no scheduler was heard of for {self._settings.fence_seconds:g} s.")
        elif self._scheduler is not None:
            self._orphan.acknowledged(now_ms)
        elif self._place.is_gone():
            self._stop("its directory was deleted, so that nobody can reach it any more.")
        elif self._orphan.is_over(now_ms):
            self._stop(f"no scheduler came for {self._settings.orphan_seconds:g} s.")
        elif self._draining:
            self._agent.stop_idle_executors()
            if self._agent.is_idle:
                self._stop("its scheduler has stopped, and nothing runs any more.")
        return bool(self._stop_reason)

    def _emit(self, batch: AgentEvents) -> None:
        scheduler = self._scheduler
        if scheduler is None:
            return
        if scheduler.unsent_bytes > self._backlog_limit:
            _log.error("The scheduler reads nothing; its connection is closed.")
            self._scheduler = None
            scheduler.abort()
            return
        scheduler.send(Events(batch))

    def _receive(self, connection: FrameProtocol, content: bytes) -> None:
        frame = decode_scheduler_frame(content)
        if self._closing:
            self._receive_at_end(connection, frame)
            return
        if isinstance(frame, Hello):
            self._greet(connection, frame)
            return
        if isinstance(frame, Ping):
            # From whoever watches over this process, too.
            self._orphan.acknowledged(_monotonic_ms())
            if connection is self._scheduler:
                self._obedience.note_renewals(frame.renewals)
            connection.send(frame)
            return
        if isinstance(frame, EndIfIdle):
            if self._holds_tasks():
                connection.send(frame)
            else:
                self._stop("it was asked to end, and holds no tasks.")
            return
        if connection is not self._scheduler:
            # It was taken over by another, or never said hello: what it still sends does not count.
            connection.abort()
            return
        match frame:
            case Commands(commands):
                self._obey(connection, commands)
            case Acknowledge(sequence):
                self._agent.acknowledge(sequence)
            case ReadLog():
                self._logs.read(self._agent, connection, frame)
            case ListSandboxes(request, app_name):
                connection.send(SandboxesAnswer(request, self._agent.sandboxes(app_name)))
            case HeartbeatSeen(number, renewals):
                self._obedience.note_renewals(renewals)
                if self._heart is not None:
                    self._heart.seen(number)
            case Retire(reason):
                self._fence(reason)
            case Goodbye():
                self._draining = True

    def _receive_at_end(self, connection: FrameProtocol, frame: SchedulerFrame) -> None:
        if connection is not self._scheduler:
            # It came just before the end, and speaks only now: what it had started would outlive this process.
            connection.abort()
            return
        match frame:
            case Commands(commands):
                self._agent.refuse(commands)
            case Acknowledge(sequence):
                self._agent.acknowledge(sequence)
            case Ping():
                connection.send(frame)
            case ReadLog():
                self._logs.read(self._agent, connection, frame)
            case _:
                pass  # what is asked of an agent that stays

    def _holds_tasks(self) -> bool:
        return any(not status.state.is_terminal for status in self._agent.inventory().tasks)

    def _obey(self, connection: FrameProtocol, commands: list[Command]) -> None:
        if self._heart is not None and self._heart.is_fenced(_heart_ms()):
            # They may be as old as what runs elsewhere by now. A new hello settles what is still wanted.
            _log.warning("Commands came late, and are not carried out.", count=len(commands))
            connection.abort()
            return
        self._agent.handle(commands)

    def _greet(self, connection: FrameProtocol, hello: Hello) -> None:
        if not self._obedience.has_obeyed and self._starter.comes_first(connection):
            _log.warning("Another process was faster than whoever started this agent; it is not heard.")
            connection.abort()
            return
        if hello.lineage is not None:
            # Nothing that this process keeps, on the disk as well, can be shown to an agent.
            hello = msgspec.structs.replace(hello, lineage=hello.lineage.sealed())
        is_led = self._scheduler is not None and self._scheduler is not connection
        refused = self._obedience.refusal_of(hello, is_led=is_led)
        if refused is not None:
            _log.warning(
                "Refused a scheduler.", epoch=hello.epoch, obeyed=refused.epoch, reason=refused.reason
            )
            connection.send(refused)
            connection.close()
            return
        refused = self._obedience.obey(hello)
        self._obeyed_file.keep_at_once(self._obedience.hello, _heart_ms())
        former, self._scheduler = self._scheduler, connection
        if former is not None and former is not connection:
            former.send(refused)
            former.close()
        self._draining = False
        # Batches first: closing the one of this turn must not be told twice.
        batches = self._agent.unacknowledged()
        inventory = msgspec.structs.replace(self._agent.inventory(), predecessors=self._former)
        heartbeat = 0 if self._heart is None else self._heart.beat(_heart_ms())
        connection.send(Welcome(inventory, heartbeat))
        for batch in batches:
            connection.send(Events(batch))
        self._backlog_limit = connection.unsent_bytes + _BACKLOG_BYTES

    def _lost(self, connection: FrameProtocol) -> None:
        if connection is self._scheduler:
            self._scheduler = None
            self._hung_up.set()

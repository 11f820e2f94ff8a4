"""An agent as a process of its own: serves one scheduler at a time over a Unix socket, and outlives it.

The scheduler is on this machine, or reaches the socket through a relay (`engine/ray`). Then others may take the agent's
tasks when it is cut off, and so it fences itself.
"""

import asyncio
import signal
import time

import structlog

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.machine import kept_socket
from elasticjob_cloud.agent.machine.kept_socket import KeptSocket
from elasticjob_cloud.agent.scheduler_link.clocks import heart_ms, monotonic_ms
from elasticjob_cloud.agent.scheduler_link.conversation import Conversation
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.fence import Fence
from elasticjob_cloud.agent.scheduler_link.heart import Heart
from elasticjob_cloud.agent.scheduler_link.obeyed_file import ObeyedFile
from elasticjob_cloud.agent.scheduler_link.peers import GuardedProtocol, Starter
from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.messages import AgentEvents

_log = structlog.get_logger(__name__)
_CHECK_SECONDS = 0.2
_FENCE_GRACE = 0.1  # of the fence's time; what has not ended by then is killed
_FENCE_GRACE_SECONDS = 1.0


class AgentServer:
    """Obeys the scheduler that leads with the record it knows (`obedience.py`); ends itself when none comes for long (promise 5)."""

    def __init__(
        self,
        directory: AgentDirectory,
        settings: AgentSettings,
        file_limit: int | None = None,
        starter: int | None = None,
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._apps = AppCache(directory.path / "apps", settings.app_limits)
        self._agent = Agent(
            directory.path, settings, self._apps, self.emit, directory.socket_directory, file_limit
        )
        self._cannot_listen = False
        self._touched_at = time.monotonic()
        self._orphan = Fence(int(settings.orphan_seconds * 1000), monotonic_ms())
        self._heart: Heart | None = None
        if settings.fence_seconds > 0:
            self._heart = Heart(int(settings.fence_seconds * 1000), heart_ms())
        obeyed_file = ObeyedFile(directory.path / "obeyed-terms.json")
        conversation = Conversation(self._agent, self, self._heart, Starter(starter), obeyed_file)
        self._conversation = conversation
        self._socket = KeptSocket(
            lambda: GuardedProtocol(conversation.receive, conversation.lost, conversation.agent_ids)
        )
        self._stop_reason = ""
        self._hurries = False

    async def run(self) -> None:
        """Serve until told to stop, drained, or orphaned."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, f"it got {number.name}.")
        # Before anything that may hang: a process that waits for this agent must be able to end it.
        is_named = self._name_process()
        if not is_named:
            _log.warning("The agent's process could not be noted; it is tried until it can be.")
        # This process has the directory's lock: the process that made the sockets that are there is gone.
        self._directory.remove_sockets()
        await self._agent.start()
        # One without a fence is its scheduler's only agent, and what ran before the machine was started is gone: to wait
        # for its orphan rule would keep jobs from running for minutes.
        has_fence = self._heart is not None
        self._conversation.predecessors = self._directory.note_life(
            self._agent.info.agent_id, since_start_only=has_fence
        )
        if has_fence:
            self._conversation.resume()
        await self._socket.keep(self._directory.socket)
        self._orphan.acknowledged(monotonic_ms())
        _log.info("The agent serves.", agent=self._agent.info.agent_id, socket=str(self._directory.socket))
        while not self._is_over():
            self._conversation.beat()
            if await self._keep_sockets() or not self._directory.is_named():
                is_named = False
            is_named = is_named or self._name_process()
            self._touch_files()
            await asyncio.sleep(_CHECK_SECONDS)
        _log.info("The agent stops.", reason=self._stop_reason)
        await self._close()

    async def _keep_sockets(self) -> bool:
        """Bind again what somebody removed, elsewhere if need be; True where the sockets are elsewhere now."""
        former = self._directory.socket_directory
        try:
            if not self._directory.has_socket():
                self._directory.choose_sockets()
                self._directory.ensure_socket_directory()
            is_new = await self._socket.keep(self._directory.socket)
            is_new |= await self._agent.listen(self._directory.socket_directory)
        except (OSError, StartError) as error:
            if not self._cannot_listen:
                _log.error("The agent's sockets are gone and cannot be bound again.", error=str(error))
            self._cannot_listen = True
            return False
        if is_new:
            _log.warning(
                "The agent's sockets were gone; they are bound again.", socket=str(self._directory.socket)
            )
        self._cannot_listen = False
        return former != self._directory.socket_directory

    async def _close(self) -> None:
        self._socket.close()
        # A scheduler that comes now finds no agent, and waits for the lock rather than for an answer. The one that is
        # there hears of each end: no successor may come to tell it where the whole machine goes.
        self._conversation.begin_to_close(self._stop_reason)
        has_ended = await self._agent.end_all(self._stop_reason, self._closing_grace())
        await self._conversation.take_leave(self._stop_reason, has_ended=has_ended)
        await self._agent.close(self._stop_reason)
        self._directory.remove_socket_directory()

    def _touch_files(self) -> None:
        # A directory below a temporary one is swept as well, its lock included.
        now = time.monotonic()
        if now - self._touched_at >= kept_socket.TOUCH_SECONDS:
            self._touched_at = now
            kept_socket.touch(*self._directory.own_files())

    def _name_process(self) -> bool:
        try:
            self._directory.write_process(self._agent.info.agent_id, build_of(self._settings))
        except OSError:
            # A full disk must not keep an agent from ending what its predecessor left: others may start those tasks again.
            return False
        return True

    def stop(self, reason: str) -> None:
        """End this process, with all tasks; of several reasons the first one counts."""
        self._stop_reason = self._stop_reason or reason

    def fence(self, reason: str) -> None:
        """End this process at once: the tasks may be started elsewhere."""
        self._hurries = True
        self.stop(reason)

    def note_contact(self) -> None:
        """Count as watched over from now on."""
        self._orphan.acknowledged(monotonic_ms())

    def emit(self, batch: AgentEvents) -> None:
        """Tell a batch of events, if a scheduler is there."""
        self._conversation.emit(batch)

    def _closing_grace(self) -> float:
        grace, fence = self._settings.kill_grace_seconds, self._settings.fence_seconds
        hurried = min(grace, _FENCE_GRACE_SECONDS, fence * _FENCE_GRACE)
        if self._hurries:
            return hurried
        if self._heart is None:
            return grace
        # No heartbeat is sent any more: whatever the grace, others may start the tasks once the fence is over.
        return max(hurried, min(grace, self._heart.left_ms(heart_ms()) / 1000))

    def _is_over(self) -> bool:
        now_ms = monotonic_ms()
        if self._heart is not None and self._heart.is_fenced(heart_ms()) and not self._agent.is_idle:
            self.fence(f"no scheduler was heard of for {self._settings.fence_seconds:g} s.")
        elif self._conversation.has_scheduler:
            self._orphan.acknowledged(now_ms)
        elif self._directory.is_gone():
            self.stop("its directory was deleted, so that nobody can reach it any more.")
        elif self._orphan.is_over(now_ms):
            self.stop(f"no scheduler came for {self._settings.orphan_seconds:g} s.")
        elif self._conversation.is_draining:
            self._agent.stop_idle_executors()
            if self._agent.is_idle:
                self.stop("its scheduler has stopped, and nothing runs any more.")
        return bool(self._stop_reason)

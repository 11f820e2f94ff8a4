"""Keeps an agent running in a directory, and replaces one that does not answer. Knows nothing of Ray."""

import asyncio
import fcntl
import os
from pathlib import Path

import structlog

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import EndIfIdle, FrameProtocol, Ping, decode_agent_frame
from elasticjob_cloud.agent.settings import AgentSettings, build_of
from elasticjob_cloud.engine.agent_process import AgentLauncher
from elasticjob_cloud.model.errors import StartError, UnavailableError

_log = structlog.get_logger(__name__)
_PLACES = 1_000
_PING_SECONDS = 0.5
_RETRY_SECONDS = 0.05
_FAULT_SECONDS = 2.0
_START_SECONDS = 20.0
_ANSWER_SECONDS = 2.0
# An agent that is frozen must be gone before its scheduler takes it for lost; the rest of the fence is for ending its tasks.
_SILENCE_OF_FENCE = 0.7
_SILENCE_SECONDS = 10.0


def take_place(base: Path) -> tuple[AgentDirectory, int]:
    """Take the first directory under `base` that no other keeper has; give it and the lock, which goes with the process.

    Several nodes on one machine have one each. A node that starts again finds its own: it is free, and the first.

    Raises:
        StartError: the directory cannot be written.
    """
    for number in range(_PLACES):
        directory = base / str(number)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(directory / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"The agents' directory {directory} cannot be written: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return AgentDirectory(directory), lock
    raise StartError(f"All directories under {base} are taken.")


class AgentKeeper:
    """Starts the agent of a place, pings it, and kills it when it is silent, so that its successor ends what it left.

    So an agent that is frozen while its tasks run on does not outlive its fence. The agent is no child of this process
    and outlives it: the next keeper finds it.
    """

    def __init__(self, place: AgentDirectory, settings: AgentSettings) -> None:
        self.place = place
        self.is_up = asyncio.Event()
        self.fault = ""
        self._build = build_of(settings)
        self._launcher = AgentLauncher(place, settings, detach=True)
        fence = settings.fence_seconds
        self._silence_seconds = fence * _SILENCE_OF_FENCE if fence > 0 else _SILENCE_SECONDS
        self._heard_at = 0.0
        self._connection: FrameProtocol | None = None
        self._broken = asyncio.Event()
        self._stays = asyncio.Event()
        self.is_over = asyncio.Event()
        self._is_retiring = False

    async def run(self) -> None:
        """Keep until cancelled or retired, whatever goes wrong: a machine may have no thread or process left for a while."""
        while not self.is_over.is_set():
            try:
                await self._keep_one()
                # One that was killed has left its socket, and maybe more that a successor has to see to.
                if self._is_retiring and not self.place.has_socket():
                    self.is_over.set()
            except Exception as error:  # noqa: BLE001 - see above
                self.fault = str(error)
                _log.exception("The agent could not be kept; trying again.")
                await asyncio.sleep(_FAULT_SECONDS)

    async def _keep_one(self) -> None:
        """Find an agent or start one, and return when it has ended."""
        connection = await self._reach()
        self.fault = ""
        self._connection = connection
        self.is_up.set()
        try:
            await self._watch(connection)
        finally:
            self.is_up.clear()
            self._connection = None
            connection.abort()

    async def renew(self) -> None:
        """Have an agent of another build end, if it holds no tasks; return when it has, or has said that it stays.

        So a new version of the package, or of the settings, comes to where nothing runs, and no run is lost by it.

        Raises:
            UnavailableError: the agent does not answer. With an unknown fence it must get no task.
        """
        present = await asyncio.to_thread(self.place.read_process)
        connection = self._connection
        if connection is None or present is None or present.build == self._build:
            return
        self._stays.clear()
        connection.send(EndIfIdle())
        ends = [asyncio.ensure_future(event.wait()) for event in (self._broken, self._stays)]
        done, _ = await asyncio.wait(ends, timeout=_ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if not done:
            raise UnavailableError("The agent, which has other settings, does not answer.")
        if self._broken.is_set():
            self.is_up.clear()  # which the watch is about to do

    async def retire(self) -> bool:
        """Have the agent end, if it holds no tasks, and start none after it; tell whether that is so.

        Until that is known `is_up` is not set: nobody must build on the agent.
        """
        if self._connection is None:
            return False
        self.is_up.clear()
        self._is_retiring = True
        self._connection.send(EndIfIdle())
        ends = [asyncio.ensure_future(event.wait()) for event in (self.is_up, self.is_over)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        self._is_retiring = False
        return self.is_over.is_set()

    async def _reach(self) -> FrameProtocol:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            connection = await self._connect()
            if connection is not None:
                return connection
            await asyncio.to_thread(self._launcher.start)
            await asyncio.sleep(_RETRY_SECONDS)
            if asyncio.get_running_loop().time() > deadline:
                fault = await asyncio.to_thread(self._launcher.fault)
                # One that has the directory and never listens would be in the way for ever.
                await asyncio.to_thread(self._launcher.end_present)
                raise StartError(fault or f"The agent did not answer within {_START_SECONDS:g} s.")

    async def _connect(self) -> FrameProtocol | None:
        # One for each: the end of an earlier connection may be told only now.
        self._broken = broken = asyncio.Event()
        protocol = FrameProtocol(self._heard, lambda _: broken.set())
        self.place.find_sockets()
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: protocol, str(self.place.socket))
        except OSError:
            return None
        self._heard_at = asyncio.get_running_loop().time()
        return protocol

    def _heard(self, _: FrameProtocol, content: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if isinstance(decode_agent_frame(content), EndIfIdle):
            self._stays.set()
            if self._is_retiring:
                self.is_up.set()

    async def _watch(self, connection: FrameProtocol) -> None:
        """Return when the agent has ended, or was silent and has been killed."""
        loop = asyncio.get_running_loop()
        while not self._broken.is_set():
            connection.send(Ping())
            asked_at = loop.time()
            try:
                async with asyncio.timeout(_PING_SECONDS):
                    await self._broken.wait()
            except TimeoutError:
                if loop.time() - asked_at > 2 * _PING_SECONDS:
                    self._heard_at = loop.time()  # it was this process that stood still
                elif loop.time() - self._heard_at > self._silence_seconds:
                    _log.error("The agent does not answer; it is replaced.")
                    await asyncio.to_thread(self._launcher.end_present)
                    return

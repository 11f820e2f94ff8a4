"""Who connects to an agent's socket: a scheduler, a relay, a keeper, but never one of the agent's own tasks.

A task runs as the agent's user, so that no right of a file keeps it from the socket.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable

import structlog

from elasticjob_cloud.agent.process.start.environment import AGENT_VARIABLE
from elasticjob_cloud.agent.process.table import read_environment, read_process
from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol

_log = structlog.get_logger(__name__)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_GENERATIONS = 1_000  # so that no loop that other processes make by ending keeps the agent


class GuardedProtocol(FrameProtocol):
    """A connection that is closed at once where it comes from a process that an agent of this directory started.

    `agent_ids` gives the ids of this agent and of those before it.
    """

    def __init__(
        self,
        receive: Callable[[FrameProtocol, bytes], None],
        lost: Callable[[FrameProtocol], None],
        agent_ids: Callable[[], tuple[str, ...]],
    ) -> None:
        super().__init__(receive, lost)
        self._agent_ids = agent_ids
        self.peer_pid: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        pid = self.peer_pid = _peer_of(transport.get_extra_info("socket"))
        if pid is not None and is_task_process(pid, self._agent_ids()):
            _log.warning("A process of a task connected as a scheduler does; it is not heard.", pid=pid)
            self.abort()


class Starter:
    """Who started this agent, and so is to be obeyed first: a stranger might be faster, and nothing is known yet to refuse it by."""

    def __init__(self, pid: int | None) -> None:
        self._process = None if pid is None else read_process(pid)

    def comes_first(self, connection: FrameProtocol) -> bool:
        """Tell whether this connection has to wait for the starter. Not when the starter has ended, or where that is unknown."""
        pid = connection.peer_pid if isinstance(connection, GuardedProtocol) else None
        if self._process is None or pid is None or pid == self._process.pid:
            return False
        present = read_process(self._process.pid)
        return present is not None and not present.zombie and present.start_ticks == self._process.start_ticks


def is_task_process(pid: int, agent_ids: tuple[str, ...]) -> bool:
    """Tell whether a process is one that this agent, or one before it, started, or was started by such a one.

    One that is gone by now counts as such: nobody would otherwise know where it came from.
    """
    own = os.getpid()
    marks = [f"{AGENT_VARIABLE}={agent_id}\0".encode() for agent_id in agent_ids]
    for generation in range(_GENERATIONS):
        if pid == own:
            return generation > 0  # tests have both ends in one process
        if pid <= 1:
            return False
        row = read_process(pid)
        if row is None:
            return True
        environment = read_environment(pid)
        # Two tests for one thing: an orphan comes back to the agent where it can be its subreaper, and with the mark in
        # its environment it is known anywhere.
        if any(environment.startswith(mark) or b"\0" + mark in environment for mark in marks):
            return True
        pid = row.parent
    return True


def _peer_of(connected: socket.socket | None) -> int | None:
    """Give the process at the other end; None where the system does not say, or it is of another container."""
    option = getattr(socket, "SO_PEERCRED", None)
    if connected is None or option is None:
        return None
    pid, _, _ = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return pid or None

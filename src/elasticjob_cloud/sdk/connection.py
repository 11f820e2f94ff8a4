"""The executor's end of the socket: one thread reads, one writes."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.wire import PROTOCOL_VERSION, ExecutorStatus, Register, Statuses

_READ_BYTES = 1 << 18
# An agent bounds the lines that it reads: a line holds so many statuses, and ends after so many characters of causes.
_BATCH = 1000
_CAUSES = 100_000
_SCHEME = "unix:"


def connect(address: str) -> socket.socket:
    """Connect to the agent.

    Raises:
        StartError: If the address is none, or no agent listens there.
    """
    path = address.removeprefix(_SCHEME)
    if path == address or not path:
        raise StartError(f"The agent's address {address!r} is none that this SDK knows: unix:/path is.")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise StartError(f"No agent listens at {address}: {error.strerror}.") from error
    return connection


def register(connection: socket.socket, token: str, pid: int, sdk: str) -> None:
    """Say who we are: the first line of the protocol."""
    message: Register = {
        "type": "register",
        "protocol": PROTOCOL_VERSION,
        "token": token,
        "pid": pid,
        "sdk": sdk,
    }
    connection.sendall(_encode(message))


def read_messages(connection: socket.socket, tell: Callable[[str], None]) -> Iterator[dict[str, object]]:
    """Yield what the agent sends until it is gone. Lines that are no JSON object are told and skipped."""
    with connection.makefile("rb", buffering=_READ_BYTES) as lines:
        while True:
            try:
                line = lines.readline()
            except ConnectionError:
                return
            if not line.endswith(b"\n"):
                return  # the agent is gone; a line that it did not end was not meant
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict):
                yield message
            else:
                tell(f"ignored a broken line from the agent: {line[:200]!r}")


class StatusWriter:
    """Sends statuses to the agent: all that have come while the last line was written go into the next one."""

    def __init__(self, connection: socket.socket, on_lost: Callable[[], None]) -> None:
        self._connection = connection
        self._on_lost = on_lost
        self._queue: SimpleQueue[ExecutorStatus | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="elasticjob-statuses", daemon=True)
        self._thread.start()
        self.put: Callable[[ExecutorStatus], None] = self._queue.put

    def close(self, timeout_seconds: float) -> None:
        """Send what is left and end."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _write(self) -> None:
        take, waiting = self._queue.get, self._queue.qsize
        ended = False
        while not ended:
            statuses: list[ExecutorStatus] = []
            causes = 0
            while not ended and (not statuses or waiting()) and len(statuses) < _BATCH and causes < _CAUSES:
                status = take()
                if status is None:
                    ended = True
                    continue
                statuses.append(status)
                if "failureCause" in status:
                    causes += len(status["failureCause"])
            message: Statuses = {"type": "statuses", "statuses": statuses}
            try:
                self._connection.sendall(_encode(message))
            except OSError:
                self._on_lost()
                return


def _encode(message: Register | Statuses) -> bytes:
    # As it is rather than escaped: a text in Chinese takes half the room.
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\n"

"""The executor's end of the socket: one thread reads, one writes."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.wire import PROTOCOL_VERSION, ExecutorStatus, Register, Statuses
from elasticjob_cloud.sdk.descriptors import DescriptorsClosedError, Ownership

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
    """Yield what the agent sends until it is gone. Lines that are no JSON object are told and skipped.

    Raises:
        DescriptorsClosedError: If job code closed the connection.
    """
    ownership = Ownership(connection)
    with connection.makefile("rb", buffering=_READ_BYTES) as lines:
        while True:
            try:
                line = lines.readline()
            except OSError:
                line = b""
            if ownership.is_lost():
                raise DescriptorsClosedError
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

    def __init__(
        self, connection: socket.socket, on_lost: Callable[[], None], on_closed: Callable[[], None]
    ) -> None:
        """Start.

        Args:
            connection: The socket.
            on_lost: Called when the agent is gone.
            on_closed: Called when job code closed the socket here: nothing more can be told.
        """
        self._connection = connection
        self._ownership = Ownership(connection)
        self._on_closed = on_closed
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
        take, count_queued = self._queue.get, self._queue.qsize
        ended = False
        while not ended:
            statuses: list[ExecutorStatus] = []
            causes = 0
            while (
                not ended and (not statuses or count_queued()) and len(statuses) < _BATCH and causes < _CAUSES
            ):
                status = take()
                if status is None:
                    ended = True
                    continue
                statuses.append(status)
                if "failureCause" in status:
                    causes += len(status["failureCause"]) + len(status.get("failureSummary", ""))
            if self._ownership.is_lost():
                self._on_closed()
                return
            try:
                self._connection.sendall(_encode_statuses(statuses))
            except OSError:
                self._on_lost()
                return


def _encode_statuses(statuses: list[ExecutorStatus]) -> bytes:
    try:
        return _encode({"type": "statuses", "statuses": statuses})
    except (TypeError, ValueError, RecursionError):
        if len(statuses) > 1:
            return b"".join(_encode_statuses([status]) for status in statuses)
        return _encode({"type": "statuses", "statuses": [unsendable_status(str(statuses[0]["taskId"]))]})


def unsendable_status(task_id: str) -> ExecutorStatus:
    """Return the end of a task whose true one cannot be sent, by a fault of ours: come to an end it must."""
    message = "This is a bug in elasticjob-cloud, please report it: the task's status cannot be sent."
    return {"taskId": task_id, "state": "TASK_FAILED", "message": message}


def _encode(message: Register | Statuses) -> bytes:
    # As it is rather than escaped: a text in Chinese takes half the room.
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\n"

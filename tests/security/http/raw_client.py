"""A caller that sends bytes as it likes, and reads only when asked to."""

import contextlib
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_DEADLINE_SECONDS = 30.0


class RawClient:
    """One connection."""

    def __init__(self, url: str, *, receive_bytes: int | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(_DEADLINE_SECONDS)
        self.socket.connect((parts.hostname, parts.port))
        self._received = b""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def send_while_taken(self, pieces: Iterable[bytes]) -> int:
        """Send until the server closes or the pieces end; tell how many bytes were taken."""
        sent = 0
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                self.socket.sendall(piece)
                sent += len(piece)
        return sent

    def read_to_end(self) -> bytes:
        """Read until the server has closed, and give all of it."""
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(65536):
                self._received += part
        return self._received

    def read_answers(self, count: int) -> bytes:
        """Read until so many answers have begun and the last has its end; give all of it."""
        while len(statuses(self._received)) < count or not self._received.endswith(b"}"):
            part = self.socket.recv(65536)
            assert part, f"closed after {statuses(self._received)}"
            self._received += part
        return self._received

    def close(self) -> None:
        """Close it."""
        self.socket.close()


@contextmanager
def connected(url: str, *, receive_bytes: int | None = None) -> Iterator[RawClient]:
    """Give a connection that is closed at the end."""
    client = RawClient(url, receive_bytes=receive_bytes)
    try:
        yield client
    finally:
        client.close()


def statuses(answers: bytes) -> list[int]:
    """Give the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]

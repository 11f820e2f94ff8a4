"""Servers of the standard library, in threads of a test's process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_LOOK_SECONDS = 0.01  # how long one that is to end goes on


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    """Let it serve until the end of the block, where it is closed."""
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A Unix socket that outlives those who tidy up: bound again when its path is gone, and kept fresh (systemd-tmpfiles)."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

# Sweepers of temporary directories remove what nobody touched for days; the strictest ones, for hours.
TOUCH_SECONDS = 600.0


class KeptSocket:
    """Listens at one path at a time."""

    def __init__(self, protocol: Callable[[], asyncio.BaseProtocol], backlog: int = 100) -> None:
        self._protocol = protocol
        self._backlog = backlog
        self._server: asyncio.Server | None = None
        self._inode = -1
        self._touched_at = 0.0
        self.path: Path | None = None

    async def keep(self, path: Path) -> bool:
        """Listen at this path; True where it did not yet, or not any more.

        Raises:
            OSError: the path cannot be bound. What was bound before is still served where it can be reached.
        """
        if path == self.path and _inode_of(path) == self._inode:
            self._touch(path)
            return False
        server = await asyncio.get_running_loop().create_unix_server(
            self._protocol, str(path), backlog=self._backlog
        )
        former = self._server
        self._adopt(server, path)
        if former is not None:
            former.close()
        return True

    def close(self) -> None:
        """Listen no more. Connections that are open stay so."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.path = None

    def _adopt(self, server: asyncio.Server, path: Path) -> None:
        self._server, self.path = server, path
        path.chmod(0o600)
        self._inode, self._touched_at = _inode_of(path), time.monotonic()

    def _touch(self, path: Path) -> None:
        if time.monotonic() - self._touched_at >= TOUCH_SECONDS:
            self._touched_at = time.monotonic()
            touch(path, path.parent)


def touch(*paths: Path) -> None:
    """Make files look used, so that jobs that delete by age leave them."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path)


def _inode_of(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return -1

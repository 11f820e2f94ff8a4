"""Who is connected: a cap for each address and one in all, and whose connection makes room for a new one."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from elasticjob_cloud.api.access.login_limit import network_of
from elasticjob_cloud.server.http.limits import HttpLimits

_NOBODY: Final = ""  # the group of trusted proxies, which speak for many


class Connection(Protocol):
    """What the caps must know of a connection."""

    @property
    def is_working(self) -> bool:
        """Whether the server works on an answer for it, rather than waits for the caller."""

    @property
    def has_asked(self) -> bool:
        """Whether it has brought a request."""

    def abort(self) -> None:
        """Close it at once."""


class Connections:
    """Counts connections. Idle ones make room, so that they never keep anyone out."""

    def __init__(self, limits: HttpLimits, is_trusted: Callable[[str], bool] = lambda _: False) -> None:
        """Make one.

        Args:
            limits: The caps.
            is_trusted: Tells a trusted proxy by its address; the cap of one address is not for it.
        """
        self._limits = limits
        self._is_trusted = is_trusted
        # In the order of their coming; a dict, for it gives that up cheaply.
        self._groups: dict[str, dict[Connection, None]] = {}
        self._group_of: dict[Connection, str] = {}

    def __len__(self) -> int:
        return len(self._group_of)

    def enter(self, connection: Connection, address: str) -> bool:
        """Let a connection in, if need be in the place of another; tell whether there is room."""
        group = _NOBODY if self._is_trusted(address) else network_of(address)
        own = self._groups.get(group, {})
        if group != _NOBODY and len(own) >= self._limits.address_connections and not self._make_room(own):
            return False
        if len(self) >= self._limits.connections:
            largest = max(self._groups.values(), key=len)
            if not self._make_room(largest):
                return False
        self._groups.setdefault(group, {})[connection] = None
        self._group_of[connection] = group
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        group = self._group_of.pop(connection, None)
        if group is not None:
            members = self._groups[group]
            del members[connection]
            if not members:
                del self._groups[group]

    def _make_room(self, members: Iterable[Connection]) -> bool:
        """Close the oldest that has never asked for anything, else the oldest that waits; tell whether there was one."""
        waiting: Connection | None = None
        for connection in members:
            if not connection.is_working:
                waiting = waiting or connection
                if not connection.has_asked:
                    waiting = connection
                    break
        if waiting is None:
            return False
        self.leave(waiting)
        waiting.abort()
        return True

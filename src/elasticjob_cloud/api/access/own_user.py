"""Whether a call comes from the user who started the scheduler, on this machine: all that weak passwords are good for.

A default or short password is no secret. It opens the scheduler only to those who could do all that it can anyway: its
own user and root, over loopback and through no proxy, which would speak for others.
"""

import asyncio
import os
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark, Headers
from elasticjob_cloud.api.access.peer_users import find_peer_uid
from elasticjob_cloud.api.access.users import MINIMUM_PASSWORD_LENGTH
from elasticjob_cloud.api.requests.raw.paths import DOCUMENTS
from elasticjob_cloud.model.errors import ForbiddenError
from elasticjob_cloud.model.urls import is_loopback

_PROXY_HEADERS: Final = frozenset(
    {
        *(b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"x-original-host"),
        *(b"true-client-ip", b"cf-connecting-ip", b"fastly-client-ip", b"x-envoy-external-address"),
    }
)
_PROXY_PREFIX: Final = b"x-forwarded"
_REMEMBERED_CONNECTIONS: Final = 10_000

_ONLY_HERE: Final = (
    "is good only for the user who started the scheduler, on its own machine, under localhost or 127.0.0.1, and through "
    "no proxy. Set a password"
)
_HOW: Final = (
    f"of at least {MINIMUM_PASSWORD_LENGTH} characters (ELASTICJOB_ADMIN_PASSWORD, ELASTICJOB_GUEST_PASSWORD)"
)


def weak_password_refusal(username: str) -> ForbiddenError:
    """Give the answer to those for whom a weak password is not good."""
    return ForbiddenError(f"The password of {username} is a default or weak one, which {_ONLY_HERE} {_HOW}.")


class OwnUser:
    """Recognises the calls of the user who started the scheduler. For one event loop."""

    def __init__(self, mark: ForwardingMark | None = None) -> None:
        """Make one; `mark` is how another scheduler says that it has recognised a call before it passed it on."""
        self._mark = mark
        self._uids = frozenset({0, os.geteuid()}) if hasattr(os, "geteuid") else frozenset[int]()
        # By the tuple that uvicorn makes for each connection: while it is kept here, no other has its id.
        self._connections: OrderedDict[int, tuple[object, bool]] = OrderedDict()

    async def makes(self, scope: Scope) -> bool:
        """Tell whether the scheduler's own user, or root, makes this call."""
        headers: Headers = scope["headers"]
        if self._mark is not None and self._mark.vouches(headers):
            return True
        if not _is_direct(headers, has_host=scope.get("http_version") != "1.0"):
            return False
        client, server = scope.get("client"), scope.get("server")
        if client is None or server is None or server[1] is None or not is_loopback(client[0]):
            return False
        known = self._connections.get(id(client))
        if known is None:
            known = (client, await asyncio.to_thread(self._is_own, tuple(client), tuple(server)))
            self._connections[id(client)] = known
            while len(self._connections) > _REMEMBERED_CONNECTIONS:
                self._connections.popitem(last=False)
        return known[1]

    def _is_own(self, client: tuple[str, int], server: tuple[str, int]) -> bool:
        return find_peer_uid(client, server) in self._uids


class OwnUserGate:
    """ASGI middleware of a server without log-in: serves its own user alone.

    Where a call is answered, and not where another scheduler passes it on: the leader has that one's word.
    """

    def __init__(self, app: ASGIApp, *, own_user: OwnUser) -> None:
        self._app = app
        self._own_user = own_user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = (
            scope["type"] == "http" and scope["path"].startswith("/api") and scope["path"] not in DOCUMENTS
        )
        if is_call and not await self._own_user.makes(scope):
            raise ForbiddenError(
                f"A scheduler without log-in (--no-auth) {_ONLY_HERE} {_HOW}, and drop --no-auth."
            )
        await self._app(scope, receive, send)


def _is_direct(headers: Headers, *, has_host: bool) -> bool:
    """Tell whether no header says that a proxy passed this on, and `Host` names this machine's loopback.

    HTTP/1.0 needs no `Host` (`has_host`).
    """
    hosts = [value for name, value in headers if name == b"host"]
    names = {name for name, _ in headers}
    if names & _PROXY_HEADERS or any(name.startswith(_PROXY_PREFIX) for name in names):
        return False
    if not hosts and not has_host:
        return True
    return len(hosts) == 1 and _is_loopback_authority(hosts[0].decode("latin-1").strip().lower())


def _is_loopback_authority(authority: str) -> bool:
    try:
        host = urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host)

"""Any scheduler takes any call: one that stands by passes it on to the leader (docs/decisions/0015). Plain ASGI."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elasticjob_cloud.api.access.own_user import OwnUser
from elasticjob_cloud.api.leader.relay import DEPOSED, NOBODY_LEADS, Call, Relay
from elasticjob_cloud.api.requests.raw.body import body_limit, too_large
from elasticjob_cloud.api.requests.raw.paths import DOCUMENTS
from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.service.leadership.directory import UNKNOWING
from elasticjob_cloud.service.port import SchedulerView

# The same answer everywhere: the page of the API, who leads, which the database knows, and who asks, which the token says.
_ANSWERED_HERE: Final = DOCUMENTS | {"/api/operate/schedulers", "/api/me", "/api/logout"}
_LOOK_AGAIN_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 1.0  # what the last look may take at least


class Forwarding:
    """ASGI middleware: answers while this scheduler leads, and else has the leader answer, waiting for one if need be."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        relay: Relay,
        own_user: OwnUser,
        body_limit_bytes: int,
        wait_seconds: float,
        monotonic_seconds: Callable[[], float],
    ) -> None:
        self._app = app
        self._relay = relay
        self._leadership = relay.leadership
        self._mark = relay.mark
        self._own_user = own_user
        self._body_limit_bytes = body_limit_bytes
        self._wait_seconds = wait_seconds
        self._monotonic_seconds = monotonic_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        address = self._mark.client_of(scope["headers"])
        if address is not None:
            scope = {**scope, "client": (address, 0)}
        if scope["path"] in _ANSWERED_HERE:
            await self._app(scope, receive, send)
        elif self._mark.is_on(scope["headers"]):
            # Never passed on twice: two schedulers that each take the other for the leader would do so for ever.
            self._check_leads()
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = body_limit(scope["path"], self._body_limit_bytes)
        call = Call(scope, await _read_body(receive, limit))
        deadline = self._monotonic_seconds() + self._wait_seconds
        going: asyncio.Future[Message] | None = None
        try:
            while (problem := await self._try_to_answer(call, receive, send, deadline)) is not None:
                # It has waited for one that was frozen, and not for want of a leader: there is another to be asked.
                is_late = problem is not DEPOSED and self._monotonic_seconds() >= deadline
                if is_late or not await self._leadership.expects_leader():
                    raise NotLeadingError(problem)
                # After the body there is one message more: that the caller went away, who may have asked another since.
                going = going or asyncio.ensure_future(receive())
                await asyncio.wait({going}, timeout=_LOOK_AGAIN_SECONDS)
                if going.done():
                    raise ClientDisconnect
        finally:
            if going is not None:
                going.cancel()

    async def _try_to_answer(self, call: Call, receive: Receive, send: Send, deadline: float) -> str | None:
        """Give None when the call is answered, else why not; then nothing was done."""
        if self._leadership.leads:
            try:
                await self._app(call.scope, _replayed(call.body, receive), send)
            except NotLeadingError:
                return self._nobody_leads()  # it was deposed meanwhile
            return None
        leader = await self._find_leader(deadline)
        if leader is not None:
            is_own_user = await self._own_user.makes(call.scope)
            return await self._relay.pass_on(leader, replace(call, is_own_user=is_own_user), send)
        if call.scope["method"] == "GET":
            # What was and what was printed can be read all the same; what needs a leader says so.
            with contextlib.suppress(NotLeadingError):
                await self._app(call.scope, _replayed(call.body, receive), send)
                return None
        return self._nobody_leads()

    async def _find_leader(self, deadline: float) -> SchedulerView | None:
        try:
            # A database that hangs is given up much later than a call that waits for a leader.
            async with asyncio.timeout(max(_LOOK_SECONDS, deadline - self._monotonic_seconds())):
                return await self._leadership.leader_elsewhere()
        except TimeoutError:
            return None

    def _check_leads(self) -> None:
        if not self._leadership.leads:
            raise NotLeadingError(self._nobody_leads())

    def _nobody_leads(self) -> str:
        trouble = self._leadership.trouble
        return NOBODY_LEADS if trouble is None else f"{UNKNOWING} {trouble}"


async def _read_body(receive: Receive, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay

"""Passing one call on to the scheduler that leads, and its answer back."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx
from starlette.types import Scope, Send

from elasticjob_cloud.api.access.forwarding_mark import FORWARDED_FOR, MARK, VOUCHER, ForwardingMark
from elasticjob_cloud.api.answers.responses import NOT_LEADING_HEADER
from elasticjob_cloud.model.errors import OutcomeUnknownError
from elasticjob_cloud.model.trust import trusted_context
from elasticjob_cloud.service.leadership.directory import Leadership
from elasticjob_cloud.service.port import SchedulerView

_log = logging.getLogger(__name__)
QUERY_METHODS: Final = frozenset({"GET", "HEAD"})
# What belongs to one connection alone (RFC 9110, 7.6.1), and what each server says of itself.
_HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
_NOT_PASSED_ON: Final = _HOP_BY_HOP | {b"content-length", b"expect", FORWARDED_FOR, MARK, VOUCHER}
_NOT_PASSED_BACK: Final = _HOP_BY_HOP | {b"date", b"server", NOT_LEADING_HEADER.lower().encode()}
_CONNECTIONS: Final = 200
# Shorter than uvicorn keeps an idle connection (5 s), so that none is used that is just being closed.
_IDLE_SECONDS: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(30.0, connect=1.0, pool=5.0)
# So much of an answer is here before the caller gets any of it: a leader may die or freeze behind the first line of one.
_KEPT_BYTES: Final = 1 << 20
_LOOK_SECONDS: Final = 0.5
_LOOKS_UNTIL_LEFT: Final = 2
_COMPLAIN_AFTER_SECONDS: Final = 5.0  # less than a call waits, more than a leader takes to be replaced
# What comes before the leader has anything of the call: it is not there, or its address is none.
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API, whole: bodies are small, so that it can be repeated where nothing came of it."""

    scope: Scope
    body: bytes
    is_own_user: bool = False  # made by the user who started this scheduler

    @property
    def is_query(self) -> bool:
        """Whether repeating it does no harm."""
        return self.scope["method"] in QUERY_METHODS


class _DeposedError(httpx.ReadTimeout):
    """The scheduler that was asked leads no more, and says nothing."""


class _Answer(NamedTuple):
    """What a leader answers: the beginning is here, which is all of most answers; the rest is still to come."""

    response: httpx.Response
    beginning: bytes
    rest: AsyncIterator[bytes]


class _Unreached(NamedTuple):
    """A leader that could not be reached, and when that is worth a line in the log."""

    epoch: int
    complain_at: float


class Relay:
    """One pool of connections to the schedulers that lead, one after another."""

    def __init__(self, leadership: Leadership, mark: ForwardingMark, own_url: str, ca_file: str = "") -> None:
        """Make one.

        Args:
            leadership: Who leads.
            mark: What tells the leader that a scheduler has passed the call on.
            own_url: What this scheduler gives others as its address.
            ca_file: Authorities to trust in addition to the system's, for schedulers with https.
        """
        self.leadership = leadership
        self.mark = mark
        self._own_url = own_url
        self._ca_file = ca_file
        self._client: httpx.AsyncClient | None = None
        self._unreached = _Unreached(0, 0.0)

    async def pass_on(self, leader: SchedulerView, call: Call, send: Send) -> str | None:
        """Have the leader answer.

        Returns:
            None when it has; else, for the caller, why not: the call was surely not carried out, or may be repeated,
            and nothing was answered.

        Raises:
            OutcomeUnknownError: the leader has the call, and does not answer (any more).
        """
        if leader.address == self._own_url:
            return self._complain(leader, "that is this scheduler's own as well")
        try:
            answer = await self._ask(leader, self._request(leader, call))
        except _NOT_SENT as error:
            return self._complain(leader, str(error) or type(error).__name__)
        except httpx.TransportError as error:
            if call.is_query:
                return DEPOSED if isinstance(error, _DeposedError) else _SILENT
            raise OutcomeUnknownError(_UNKNOWN) from error
        self._unreached = _Unreached(0, 0.0)
        async with contextlib.aclosing(answer.response):
            if NOT_LEADING_HEADER in answer.response.headers:
                return NOBODY_LEADS
            await _pass_back(answer, send)
        return None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    def _complain(self, leader: SchedulerView, fault: str) -> str:
        """Tell the operator, once, where the leader was not reached; give what to tell callers, who need not know where.

        Not at once: one that was killed is not reached either, until another leads.
        """
        now = asyncio.get_running_loop().time()
        if self._unreached.epoch != leader.epoch:
            self._unreached = _Unreached(leader.epoch, now + _COMPLAIN_AFTER_SECONDS)
        elif now >= self._unreached.complain_at:
            self._unreached = _Unreached(leader.epoch, float("inf"))
            _log.warning(
                "Calls cannot be passed on to the scheduler that leads, %s, at the address that it gives, %s: %s. "
                "Look at the network, and at its advertise_url.",
                leader.scheduler_id,
                leader.address,
                fault,
            )
        return _UNREACHABLE

    def _request(self, leader: SchedulerView, call: Call) -> httpx.Request:
        scope = call.scope
        url = httpx.URL(leader.address)
        path: bytes = url.raw_path.rstrip(b"/") + (scope.get("raw_path") or scope["path"].encode())
        query: bytes = scope["query_string"]
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        peer = scope["client"][0] if scope.get("client") else ""
        marks = self.mark.of_call(headers, peer, is_own_user=call.is_own_user)
        return httpx.Request(
            scope["method"],
            url,
            headers=[*_without(headers, _NOT_PASSED_ON), *marks],
            content=call.body,
            # The very bytes that came: httpx would rewrite a URL.
            extensions={"target": path + b"?" + query if query else path},
        )

    async def _ask(self, leader: SchedulerView, request: httpx.Request) -> _Answer:
        """Send a request, and wait for its answer while that scheduler leads: a frozen one would never answer."""
        sending = asyncio.create_task(self._send(request))
        watching = asyncio.create_task(self._watch_until_deposed(leader))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                return sending.result()
            raise _DeposedError("Another scheduler leads by now.")
        finally:
            sending.cancel()
            watching.cancel()

    async def _send(self, request: httpx.Request) -> _Answer:
        response = await self._opened_client().send(request, stream=True)
        rest = response.aiter_raw()
        beginning = bytearray()
        try:
            async for chunk in rest:
                beginning += chunk
                if len(beginning) >= _KEPT_BYTES:
                    break
        except BaseException:
            await response.aclose()
            raise
        return _Answer(response, bytes(beginning), rest)

    async def _watch_until_deposed(self, leader: SchedulerView) -> None:
        """Return when it is known for a while that another leads: the answer may be on its way."""
        looks = 0
        while looks < _LOOKS_UNTIL_LEFT:
            await asyncio.sleep(_LOOK_SECONDS)
            present = await self.leadership.leader_elsewhere()
            if self.leadership.leads or (present is not None and present.epoch != leader.epoch):
                looks += 1

    def _opened_client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=trusted_context(self._ca_file),
                trust_env=False,  # a proxy for the world outside is none for its own schedulers
                timeout=_TIMEOUT,
                limits=httpx.Limits(
                    max_connections=_CONNECTIONS,
                    max_keepalive_connections=_CONNECTIONS,
                    keepalive_expiry=_IDLE_SECONDS,
                ),
            )
        return self._client


NOBODY_LEADS: Final = "No scheduler leads at the moment; try again in a moment."
_UNREACHABLE = "Another scheduler leads, and cannot be reached from this one, whose log says more; try again in a moment."
DEPOSED: Final = "The scheduler that led fell silent, and another leads now; try again."
_SILENT = "The scheduler that leads did not answer in time; try again in a moment."
_UNKNOWN = "The scheduler that leads had this call and fell silent: look whether it was carried out before you repeat it."


async def _pass_back(answer: _Answer, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in answer.response.headers.raw]
    await send(
        {
            "type": "http.response.start",
            "status": answer.response.status_code,
            "headers": _without(headers, _NOT_PASSED_BACK),
        }
    )
    await send({"type": "http.response.body", "body": answer.beginning, "more_body": True})
    async for chunk in answer.rest:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _without(headers: list[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    named = {
        option.strip().lower()
        for name, value in headers
        if name == b"connection"
        for option in value.split(b",")
    }
    return [(name, value) for name, value in headers if name not in dropped and name not in named]

"""Passing one call on to the scheduler that leads, and its answer back."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Final

import httpx
from starlette.types import Scope, Send

from elasticjob_cloud.api.forwarding_mark import FORWARDED_FOR, MARK, ForwardingMark
from elasticjob_cloud.api.responses import NOT_LEADING_HEADER
from elasticjob_cloud.model.errors import OutcomeUnknownError
from elasticjob_cloud.service.leader_directory import Leadership
from elasticjob_cloud.service.port import SchedulerView

QUERY_METHODS: Final = frozenset({"GET", "HEAD"})
# What belongs to one connection alone (RFC 9110, 7.6.1), and what each server says of itself.
_HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
_NOT_PASSED_ON: Final = _HOP_BY_HOP | {b"content-length", b"expect", FORWARDED_FOR, MARK}
_NOT_PASSED_BACK: Final = _HOP_BY_HOP | {b"date", b"server", NOT_LEADING_HEADER.lower().encode()}
_CONNECTIONS: Final = 200
# Shorter than uvicorn keeps an idle connection (5 s), so that none is used that is just being closed.
_IDLE_SECONDS: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(30.0, connect=1.0, pool=5.0)
_LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API, whole: bodies are small, so that it can be repeated where nothing came of it."""

    scope: Scope
    body: bytes

    @property
    def is_query(self) -> bool:
        """Whether repeating it does no harm."""
        return self.scope["method"] in QUERY_METHODS


class Relay:
    """One pool of connections to the schedulers that lead, one after another."""

    def __init__(self, leadership: Leadership, mark: ForwardingMark) -> None:
        self.leadership = leadership
        self.mark = mark
        self._client: httpx.AsyncClient | None = None

    async def pass_on(self, leader: SchedulerView, call: Call, send: Send) -> bool:
        """Have the leader answer.

        Returns:
            False when the call was surely not carried out, or may be repeated, and nothing was answered.

        Raises:
            OutcomeUnknownError: the leader has the call, and does not answer (any more).
        """
        try:
            response = await self._ask(leader, self._request(leader, call))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return False
        except httpx.TransportError as error:
            if call.is_query:
                return False
            raise OutcomeUnknownError(_UNKNOWN) from error
        async with contextlib.aclosing(response):
            if NOT_LEADING_HEADER in response.headers:
                return False
            await _answer(response, send)
        return True

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    def _request(self, leader: SchedulerView, call: Call) -> httpx.Request:
        scope = call.scope
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        peer = scope["client"][0] if scope.get("client") else ""
        return httpx.Request(
            scope["method"],
            leader.address,
            headers=[*_without(headers, _NOT_PASSED_ON), *self.mark.of_call(headers, peer)],
            content=call.body,
            # The very bytes that came: httpx would write a URL anew.
            extensions={"target": path + b"?" + query if query else path},
        )

    async def _ask(self, leader: SchedulerView, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for its answer while this scheduler leads: a frozen one would never answer."""
        sending = asyncio.create_task(self._opened_client().send(request, stream=True))
        try:
            silent_since_deposed = 0
            while silent_since_deposed < 2:
                done, _ = await asyncio.wait({sending}, timeout=_LOOK_SECONDS)
                if done:
                    return sending.result()
                if await self._is_deposed(leader):
                    silent_since_deposed += 1
            raise httpx.ReadTimeout("Another scheduler leads by now.")
        finally:
            sending.cancel()

    async def _is_deposed(self, leader: SchedulerView) -> bool:
        present = await self.leadership.leader_elsewhere()
        return self.leadership.leads or (present is not None and present.epoch != leader.epoch)

    def _opened_client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),  # the machine's authorities, for those who set https
                trust_env=False,  # a proxy for the world outside is none for its own schedulers
                timeout=_TIMEOUT,
                limits=httpx.Limits(
                    max_connections=_CONNECTIONS,
                    max_keepalive_connections=_CONNECTIONS,
                    keepalive_expiry=_IDLE_SECONDS,
                ),
            )
        return self._client


_UNKNOWN = "The scheduler that leads had this call and fell silent: look whether it was carried out before you repeat it."


async def _answer(response: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.raw]
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": _without(headers, _NOT_PASSED_BACK),
        }
    )
    async for chunk in response.aiter_raw():
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

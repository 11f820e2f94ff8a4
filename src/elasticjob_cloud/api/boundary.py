"""The outermost layer: who may come in, and what becomes of an error. Plain ASGI, so that it costs little."""

import uuid
from collections.abc import Callable
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.browser_guard import BrowserGuard
from elasticjob_cloud.api.access.browser_session import check_session_use
from elasticjob_cloud.api.access.masked import with_caller
from elasticjob_cloud.api.access.own_user import OwnUser, weak_password_refusal
from elasticjob_cloud.api.access.proxies import TrustedProxies
from elasticjob_cloud.api.access.users import Role
from elasticjob_cloud.api.answers.responses import error_response, json_response
from elasticjob_cloud.api.requests.raw.body import body_limit, too_large
from elasticjob_cloud.api.requests.raw.paths import API_PREFIX, DOCUMENTS, SESSION_CALLS, without_last_slash
from elasticjob_cloud.model.errors import ElasticJobError, ForbiddenError, UnavailableError

# All other paths below /api need a token: a new route is closed until it is put here.
OPEN_PATHS: Final = DOCUMENTS | SESSION_CALLS
_PROBES: Final = frozenset({"/healthz", "/readyz"})
_QUERY_METHODS: Final = frozenset({"GET", "HEAD"})

log = structlog.get_logger(__name__)


class Boundary:
    """ASGI middleware: checks the caller, and turns each error into its answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator | None,
        guard: BrowserGuard | None,
        own_user: OwnUser,
        body_limit_bytes: int,
        proxies: TrustedProxies | None = None,
        has_route: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._has_route = has_route
        self._authenticator = authenticator
        self._guard = guard
        self._own_user = own_user
        self._body_limit_bytes = body_limit_bytes
        self._proxies = proxies or None  # None as well where none is named: most have none

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._proxies is not None:
            scope = self._proxies.with_caller(scope)
        if scope["method"] == "HEAD":
            # Every GET also answers HEAD: the routes need not know.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        scope = without_last_slash(scope, self._has_route)
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(await self._admit(scope), receive, send_and_note)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            await _answer_to(error, scope)(scope, receive, send)

    async def _admit(self, scope: Scope) -> Scope:
        """Give the request with its caller, or raise."""
        path, method = scope["path"], scope["method"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._guard is not None and path not in _PROBES:
            self._guard.check(method, headers)
        inside = path == API_PREFIX or path.startswith(f"{API_PREFIX}/")
        if inside and self._authenticator is not None and path not in OPEN_PATHS:
            check_session_use(method, scope["headers"])
            principal = self._authenticator.identify(scope["headers"])
            # With each call: a token may wander to other users and machines.
            if principal.is_local_only and not await self._own_user.makes(scope):
                raise weak_password_refusal(principal.username)
            if principal.role is not Role.ADMIN and method not in _QUERY_METHODS:
                raise ForbiddenError(
                    f"{principal.username} has the role {principal.role.value} and may only look (GET); "
                    "log in as an admin for this."
                )
            scope = with_caller(scope, principal)
        declared = headers.get(b"content-length", b"0")
        limit = body_limit(path, self._body_limit_bytes)
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            raise too_large(limit)
        return scope


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


def _answer_to(error: Exception, scope: Scope) -> Response:
    if isinstance(error, ElasticJobError) and (error.status < 500 or isinstance(error, UnavailableError)):
        return error_response(error)
    incident = uuid.uuid4().hex[:12]
    log.error("request failed", incident=incident, method=scope["method"], path=scope["path"], exc_info=error)
    message = f"This is our fault. The scheduler's log says more under incident {incident}."
    return json_response({"message": message}, 500)

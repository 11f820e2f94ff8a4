"""`POST /api/login`, `POST /api/logout` and `GET /api/me`: a caller's token, a browser's session, and whose it is."""

import socket
from typing import Any, Final

from fastapi import APIRouter, Request, Response

import elasticjob_cloud
from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.browser_session import (
    CONSOLE_HEADER,
    check_own_page,
    check_session_use,
    session_cookie,
    session_token,
)
from elasticjob_cloud.api.access.masked import caller_of
from elasticjob_cloud.api.access.own_user import OwnUser, weak_password_refusal
from elasticjob_cloud.api.access.users import Role, is_weak_password
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.openapi.documents import BOOLEAN, TEXT, TRUE, Document, described, object_of
from elasticjob_cloud.api.requests.models import LoginRequest
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.service.port import SchedulerPort

_COOKIE_HEADER: Final[Document] = {
    "Set-Cookie": {"description": "Begins or ends a browser's session.", "schema": TEXT}
}
_CONSOLE_PARAMETER: Final[Document] = {
    "name": CONSOLE_HEADER,
    "in": "header",
    "required": False,
    "description": "Needed where a browser's session begins or ends: pages of other sites cannot send it.",
    "schema": {"const": "1"},
}
_ME: Final = object_of(
    {
        "username": TEXT,
        "role": {"type": "string", "enum": [role.value for role in Role]},
        "login": BOOLEAN,
        "version": TEXT,
        "schedulerZone": TEXT,
        "hostname": TEXT,
        "publicUrl": TEXT,
    },
    optional=("publicUrl",),
)


def login_routes(
    scheduler: SchedulerPort,
    authenticator: Authenticator | None,
    bodies: BodyReader,
    own_user: OwnUser,
    public_url: str,
) -> APIRouter:
    """Give the routes that turn a password into an access token or a session, end a session, and say whose it is."""
    router = APIRouter(prefix="/api", tags=["login"])
    hostname = socket.gethostname()

    @router.post(
        "/login",
        **_about_session(
            described(object_of({"accessToken": TEXT}), body=LoginRequest, errors=(403, 429)),
        ),
    )
    async def login(request: Request) -> Response:
        """Get an access token; send it with every other call as header `accessToken` or `Authorization: Bearer`.

        With `session` also as the cookie of a browser's session.
        """
        given = check_fields(LoginRequest, await bodies.object(request))
        if given.session:
            # A page elsewhere must not put somebody into a session of its author's, who would then see what they do.
            check_own_page(request.scope["headers"])
        if authenticator is None:
            # Nobody asks for the token; scripts that log in first still work.
            return json_response({"accessToken": ""})
        address = request.client.host if request.client is not None else ""
        token = await authenticator.login(given.username, given.password, address)
        if is_weak_password(given.username, given.password) and not await own_user.makes(request.scope):
            raise weak_password_refusal(given.username)
        cookie = {"Set-Cookie": session_cookie(token, request.scope)} if given.session else {}
        return json_response({"accessToken": token}, headers=cookie)

    @router.post("/logout", **_about_session(_open_to_all(described(TRUE, errors=(403,)))))
    async def logout(request: Request) -> Response:
        """End this browser's session: its cookie is removed. Without one, nothing happens."""
        if session_token(request.scope["headers"]) is None:
            return done()
        check_session_use("POST", request.scope["headers"])
        return json_response(content=True, headers={"Set-Cookie": session_cookie("", request.scope)})

    @router.get("/me", **described(_ME))
    async def read_me(request: Request) -> Response:
        """Say who makes this call and which server answers. `login`: whether it asks for one; if not, nobody has a name."""
        caller = caller_of(request)
        content: dict[str, Any] = {
            "username": "" if caller is None else caller.username,
            "role": (Role.ADMIN if caller is None else caller.role).value,
            "login": authenticator is not None,
            "version": elasticjob_cloud.__version__,
            "schedulerZone": scheduler.default_time_zone(),
            "hostname": hostname,
        }
        return json_response(content | ({"publicUrl": public_url} if public_url else {}))

    return router


def _about_session(call: dict[str, Any]) -> dict[str, Any]:
    """Add to a call's description what a browser's session has to do with it."""
    call["responses"][200]["headers"] = _COOKIE_HEADER
    call["openapi_extra"]["parameters"] = [_CONSOLE_PARAMETER]
    return call


def _open_to_all(call: dict[str, Any]) -> dict[str, Any]:
    """Take out of a call's description what comes of asking for a token, or a leader."""
    for status in (401, 502):
        del call["responses"][status]
    return call

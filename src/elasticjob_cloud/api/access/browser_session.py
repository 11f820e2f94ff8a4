"""A browser's session: the access token in a cookie that no script can read, and what keeps other sites' pages from using it.

A browser attaches the cookie by itself, whatever page makes it send a request. `SameSite=Strict` keeps pages of other
sites away, but not those of another port or subdomain. So a call by cookie that changes something must have a header
that a page elsewhere cannot send without this server's consent (CORS), which it never gives.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import Scope

from elasticjob_cloud.model.errors import ForbiddenError

SESSION_COOKIE: Final = "elasticjob_session"
CONSOLE_HEADER: Final = "X-Elasticjob-Console"
_HEADER_NAME: Final = CONSOLE_HEADER.lower().encode()
_COOKIE_NAME: Final = SESSION_COOKIE.encode()
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})
_QUERY_METHODS: Final = frozenset({"GET", "HEAD"})

Headers = Sequence[tuple[bytes, bytes]]


def header_token(headers: Headers) -> bytes | None:
    """Give the token that a header has; None: no header has one."""
    bearer: bytes | None = None
    for name, value in headers:
        if name == b"accesstoken":
            return value.strip()
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            bearer = token.strip() if scheme.lower() == b"bearer" else None
    return bearer


def session_token(headers: Headers) -> bytes | None:
    """Give the token that the session's cookie has; None: there is no such cookie."""
    for name, value in headers:
        if name == b"cookie":
            for pair in value.split(b";"):
                key, _, token = pair.strip().partition(b"=")
                if key == _COOKIE_NAME:
                    return token
    return None


def check_session_use(method: str, headers: Headers) -> None:
    """Refuse a call by cookie that a page of another origin may have made.

    A call with a token in a header passes: no page elsewhere knows the token.

    Raises:
        ForbiddenError: It comes from another origin, or changes something and lacks the console's header.
    """
    if header_token(headers) is not None or session_token(headers) is None:
        return
    check_own_page(headers, needs_header=method not in _QUERY_METHODS)


def check_own_page(headers: Headers, *, needs_header: bool = True) -> None:
    """Refuse what a page of another origin may have sent.

    Raises:
        ForbiddenError: The browser says that one has, or the console's header is missing where it is needed.
    """
    sites = [value.strip().lower() for name, value in headers if name == b"sec-fetch-site"]
    if any(site not in _OWN_SITES for site in sites):
        raise ForbiddenError(
            "This request comes from a page of another site, which may not use a browser's session. "
            "Send an access token in the header accessToken instead."
        )
    if needs_header and [value.strip() for name, value in headers if name == _HEADER_NAME] != [b"1"]:
        raise ForbiddenError(
            f"A call by a browser's session that changes something needs the header '{CONSOLE_HEADER}: 1', "
            "which pages of other sites cannot send. Add it, or send an access token in the header accessToken."
        )


def session_cookie(token: str, scope: Scope) -> str:
    """Give the `Set-Cookie` that begins a session; with an empty token, the one that ends it.

    It has no `Path`: a browser then takes the folder of the call, `/api` with whatever prefix a proxy puts before it.
    It has no age either: it ends with the browser, and earlier when the token expires.
    """
    parts = [f"{SESSION_COOKIE}={token}", "HttpOnly", "SameSite=Strict"]
    parts += [] if token else ["Max-Age=0"]
    parts += ["Secure"] if _came_by_https(scope) else []
    return "; ".join(parts)


def _came_by_https(scope: Scope) -> bool:
    """Tell whether the browser came by https, as anyone says: a false word costs only the liar the session."""
    if scope.get("scheme") == "https":
        return True
    for name, value in scope["headers"]:
        if name == b"x-forwarded-proto" and value.split(b",")[0].strip().lower() == b"https":
            return True
        if name == b"forwarded":
            first = value.split(b",")[0].lower()
            pairs = [pair.strip().partition(b"=") for pair in first.split(b";")]
            if any(key == b"proto" and proto.strip(b'" ') == b"https" for key, _, proto in pairs):
                return True
    return False

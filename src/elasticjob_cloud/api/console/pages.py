"""The console's one page, made for each request: with a fresh nonce, and a base that holds behind any proxy's prefix."""

import secrets
from importlib.resources import files
from typing import Final

from fastapi import Request, Response
from starlette.types import Scope

from elasticjob_cloud.api.answers.responses import ANSWER_HEADERS, json_response
from elasticjob_cloud.api.console.files import ConsoleFiles

_BASE: Final = "__BASE__"
_NONCE: Final = "__NONCE__"
_NONCE_BYTES: Final = 18
# The nonce is for styles alone, which libraries make as they go. Scripts are files of ours, all of them.
_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
)
_NOT_BUILT_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'none'"
# `same-origin` and not `no-referrer`: that would have a browser send `Origin: null` with the console's own calls.
_PAGE_HEADERS: Final = {**ANSWER_HEADERS, "Referrer-Policy": "same-origin"}
_NOT_BUILT: Final = (
    "This installation has no web console. In a checkout run `make console` and start the scheduler again. "
    "The REST API is at /api, and its page at /api/docs."
)


def page_response(console: ConsoleFiles, request: Request, status: int = 200) -> Response:
    """Answer with the page; what is to be seen there, its code takes from the address."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    page = console.page.replace(_BASE, base_of(request.scope)).replace(_NONCE, nonce)
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": _POLICY.format(nonce=nonce)}
    return Response(page, status, headers, media_type="text/html")


def not_built_response(request: Request) -> Response:
    """Say how to build the console.

    503: the page exists, and this installation cannot serve it. With 200 a monitor would take the console for healthy.
    """
    if not wants_page(request):
        return json_response({"message": _NOT_BUILT}, 503)
    page = (files("elasticjob_cloud.api.console") / "not_built.html").read_text(encoding="utf-8")
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": _NOT_BUILT_POLICY}
    return Response(page.replace(_BASE, base_of(request.scope)), 503, headers, media_type="text/html")


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for a page, and not a program for data."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "").lower()


def raw_path(scope: Scope) -> str:
    """Give a request's path as the browser wrote it: there `%2F` is a part of a name."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def base_of(scope: Scope) -> str:
    """Give the way from a request's path up to the console's own address. Relative: no proxy tells its prefix."""
    return "../" * (raw_path(scope).count("/") - 1) or "./"

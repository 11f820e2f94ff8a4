"""Paths as people and proxies write them: a slash at the end, slashes too many, a prefix that was left on."""

from collections.abc import Callable
from typing import Final

from starlette.types import Scope

from elasticjob_cloud.api.requests.raw.text import shown

API_PREFIX: Final = "/api"
# Its own files are named relative to it: with a slash at the end it is somewhere else, and sends the browser back.
DOCS_WITH_SLASH: Final = "/api/docs/"
# The API's description: the same for everybody, and from every scheduler.
DOCUMENTS: Final = frozenset(
    {
        "/api/openapi.json",
        "/api/docs",
        DOCS_WITH_SLASH,
        "/api/docs.js",
        "/api/swagger-ui-bundle.js",
        "/api/swagger-ui.css",
    }
)
# Begin and end a browser's session: open to all, for they ask for a password, or change nothing but the caller's cookie.
SESSION_CALLS: Final = frozenset({"/api/login", "/api/logout"})


def without_last_slash(scope: Scope, has_route: Callable[[Scope], bool]) -> Scope:
    """Take the slash at the end of a call's path for none where that makes it one; `%2F` is part of a name, and stays."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or path.encode()
    if (
        not path.startswith(f"{API_PREFIX}/")
        or path == DOCS_WITH_SLASH
        or path.endswith("//")
        or not raw.endswith(b"/")
    ):
        return scope
    shorter = {**scope, "path": path[:-1], "raw_path": raw[:-1]}
    return shorter if has_route(shorter) else scope


def path_hint(path: str) -> str:
    """Say what may be wrong with a path that leads nowhere, as the end of a sentence; empty when nothing comes to mind."""
    single = "/".join(["", *(part for part in path.split("/") if part)])
    if "//" in path:
        return f" It has slashes too many: write {shown(single)}."
    prefix, separator, rest = path.partition(f"{API_PREFIX}/")
    if prefix and separator and prefix.startswith("/"):
        call = shown(f"{API_PREFIX}/{rest}")
        return f" Calls begin with {API_PREFIX}/: have your proxy take '{shown(prefix)}' off, or use {call}."
    return ""

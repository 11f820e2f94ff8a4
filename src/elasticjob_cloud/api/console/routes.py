"""Where the console's page and files are served. Not below `/api`, so that a standby serves them itself."""

from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.console.files import ConsoleFiles
from elasticjob_cloud.api.console.pages import not_built_response, page_response, raw_path
from elasticjob_cloud.api.requests.raw.text import shown

# Links lead to these (docs/console.md): what is below them, the page's own code knows.
SECTIONS: Final = frozenset(
    {
        *("jobs", "apps", "runs", "tasks", "history"),
        *("agents", "schedulers", "alerts", "me", "login"),
    }
)
ASSETS: Final = "/assets/"
# Their names have a hash of what is in them.
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_REVALIDATED: Final = "no-cache"


def console_routes(console: ConsoleFiles) -> Sequence[BaseRoute]:
    """Give the routes of the console; without a build its pages say how to make one."""

    async def read_page(request: Request) -> Response:
        return page_response(console, request) if console else not_built_response(request)

    async def read_file(request: Request) -> Response:
        return _file_response(console, request)

    return [_PageRoute("/", read_page), _FileRoute(console, read_file)]


class _PageRoute(Route):
    """All pages: any depth below a section. By the path as it was sent, which is what the page's code sees."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not is_page(raw_path(scope)):
            return Match.NONE, {}
        return _matched(self, scope)


class _FileRoute(Route):
    """All files, and whatever else is asked for in the folder of those with a hash."""

    def __init__(self, console: ConsoleFiles, endpoint: object) -> None:
        super().__init__(ASSETS, endpoint)  # type: ignore[arg-type]  # a function of a request, as Route takes
        self._console = console

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        path: str = scope["path"]
        if not path.startswith(ASSETS) and path not in self._console.by_path:
            return Match.NONE, {}
        return _matched(self, scope)


def _matched(route: Route, scope: Scope) -> tuple[Match, Scope]:
    is_allowed = not route.methods or scope["method"] in route.methods
    child = {"endpoint": route.endpoint, "path_params": {}}
    return (Match.FULL if is_allowed else Match.PARTIAL), child


def is_page(path: str) -> bool:
    """Tell whether a path, as it was sent, is one of the console's pages."""
    return path == "/" or (path[:1] == "/" and path[1:].partition("/")[0] in SECTIONS)


def _file_response(console: ConsoleFiles, request: Request) -> Response:
    path = request.scope["path"]
    file = console.by_path.get(path)
    if file is None:
        # Never the page: a browser would take it for the script that it asked for.
        return json_response({"message": f"There is no file {shown(path)}."}, 404)
    encoding, content = file.accepted(request.headers.get("accept-encoding", ""))
    tag = f'"{file.tag}{"-" if encoding else ""}{encoding}"'
    headers = {
        "Cache-Control": _FOR_EVER if path.startswith(ASSETS) else _REVALIDATED,
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
        **({"Vary": "Accept-Encoding"} if file.encoded else {}),
    }
    known = request.headers.get("if-none-match", "")
    if tag in {each.strip().removeprefix("W/") for each in known.split(",")} or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(content, 200, {**headers, "Content-Type": file.media_type})

"""`/api/openapi.json` and the page that shows it. Nothing on the page comes from another host."""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import RedirectResponse

from elasticjob_cloud.api.answers.responses import text_response
from elasticjob_cloud.api.openapi.documents import openapi_document

# Swagger UI's style sheet has its icons as data: URLs.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_PAGE_HEADERS: Final = {"Content-Security-Policy": _POLICY}
# 2 MB that change with a release only.
_LIBRARY_HEADERS: Final = {"Cache-Control": "private, max-age=3600"}


def docs_routes(app: FastAPI, *, needs_token: bool) -> APIRouter:
    """Give the routes of the API's own description, which are open to all: it tells nothing of this server.

    Their paths are `requests.paths.DOCUMENTS`.
    """
    router = APIRouter(prefix="/api", include_in_schema=False)

    @lru_cache(maxsize=1)
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(app, needs_token=needs_token))

    @router.get("/openapi.json")
    async def read_openapi() -> Response:
        return text_response(document(), "application/json")

    @router.get("/docs/")
    async def leave_folder() -> Response:
        return RedirectResponse("../docs", 308)  # relative: nobody here knows the prefix of a proxy

    for path, read_file in {
        "/docs": _reader("docs.html", "text/html", _PAGE_HEADERS),
        "/docs.js": _reader("docs.js", "text/javascript"),
        "/swagger-ui-bundle.js": _reader(
            "swagger_ui/swagger-ui-bundle.js", "text/javascript", _LIBRARY_HEADERS
        ),
        "/swagger-ui.css": _reader("swagger_ui/swagger-ui.css", "text/css", _LIBRARY_HEADERS),
    }.items():
        router.add_api_route(path, read_file)
    return router


def _reader(
    name: str, media_type: str, headers: dict[str, str] | None = None
) -> Callable[[], Awaitable[Response]]:
    async def read_file() -> Response:
        return text_response(_content(name), media_type, headers)

    return read_file


@lru_cache
def _content(name: str) -> bytes:
    return (files("elasticjob_cloud.api.openapi") / "page" / name).read_bytes()

"""`/api/openapi.json` and the page that shows it. Nothing on the page comes from another host."""

from functools import lru_cache
from importlib.resources import files

import msgspec
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import RedirectResponse

from elasticjob_cloud.api.answers.responses import text_response
from elasticjob_cloud.api.openapi.documents import openapi_document

_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def docs_routes(app: FastAPI, *, needs_token: bool) -> APIRouter:
    """Give the routes of the API's own description, which are open to all: it tells nothing of this server."""
    router = APIRouter(prefix="/api", include_in_schema=False)

    @lru_cache(maxsize=1)
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(app, needs_token=needs_token))

    @router.get("/openapi.json")
    async def read_openapi() -> Response:
        return text_response(document(), "application/json")

    @router.get("/docs")
    async def read_page() -> Response:
        return text_response(_asset("docs.html"), "text/html", {"Content-Security-Policy": _POLICY})

    @router.get("/docs/")
    async def leave_folder() -> Response:
        return RedirectResponse("../docs", 308)  # relative: nobody here knows the prefix of a proxy

    @router.get("/docs.js")
    async def read_script() -> Response:
        return text_response(_asset("docs.js"), "text/javascript")

    @router.get("/docs.css")
    async def read_style() -> Response:
        return text_response(_asset("docs.css"), "text/css")

    return router


@lru_cache
def _asset(name: str) -> str:
    return (files("elasticjob_cloud.api") / "page" / name).read_text(encoding="utf-8")

"""`POST /api/login`."""

from fastapi import APIRouter, Request, Response

from elasticjob_cloud.api.auth import Authenticator
from elasticjob_cloud.api.body import BodyReader
from elasticjob_cloud.api.documents import TEXT, described, object_of
from elasticjob_cloud.api.responses import json_response
from elasticjob_cloud.api.validation import check_fields
from elasticjob_cloud.model.requests import LoginRequest


def login_routes(authenticator: Authenticator | None, bodies: BodyReader) -> APIRouter:
    """Give the route that turns a password into an access token."""
    router = APIRouter(prefix="/api", tags=["login"])

    @router.post("/login", **described(object_of({"accessToken": TEXT}), body=LoginRequest, errors=(429,)))
    async def login(request: Request) -> Response:
        """Get an access token; send it with every other call as header `accessToken` or `Authorization: Bearer`."""
        given = check_fields(LoginRequest, await bodies.object(request))
        if authenticator is None:
            # Nobody asks for the token; scripts that log in first still work.
            return json_response({"accessToken": ""})
        address = request.client.host if request.client is not None else ""
        return json_response(
            {"accessToken": await authenticator.login(given.username, given.password, address)}
        )

    return router

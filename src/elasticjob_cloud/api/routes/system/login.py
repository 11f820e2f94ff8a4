"""`POST /api/login`."""

from fastapi import APIRouter, Request, Response

from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.own_user import OwnUser, weak_password_refusal
from elasticjob_cloud.api.access.users import is_weak_password
from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.openapi.documents import TEXT, described, object_of
from elasticjob_cloud.api.requests.models import LoginRequest
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.validation import check_fields


def login_routes(authenticator: Authenticator | None, bodies: BodyReader, own_user: OwnUser) -> APIRouter:
    """Give the route that turns a password into an access token."""
    router = APIRouter(prefix="/api", tags=["login"])

    @router.post(
        "/login", **described(object_of({"accessToken": TEXT}), body=LoginRequest, errors=(403, 429))
    )
    async def login(request: Request) -> Response:
        """Get an access token; send it with every other call as header `accessToken` or `Authorization: Bearer`."""
        given = check_fields(LoginRequest, await bodies.object(request))
        if authenticator is None:
            # Nobody asks for the token; scripts that log in first still work.
            return json_response({"accessToken": ""})
        address = request.client.host if request.client is not None else ""
        token = await authenticator.login(given.username, given.password, address)
        if is_weak_password(given.username, given.password) and not await own_user.makes(request.scope):
            raise weak_password_refusal(given.username)
        return json_response({"accessToken": token})

    return router

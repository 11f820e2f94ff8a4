"""The parts that the OpenAPI document is put together from."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import elasticjob_cloud
from elasticjob_cloud.api.access.browser_session import CONSOLE_HEADER, SESSION_COOKIE
from elasticjob_cloud.api.openapi.alert_rule import ALERT_RULE
from elasticjob_cloud.api.openapi.examples import EXAMPLES
from elasticjob_cloud.api.requests.models import RequestBody
from elasticjob_cloud.api.requests.raw.paths import SESSION_CALLS
from elasticjob_cloud.api.requests.raw.query import QueryParameters, parameter_documents
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration

Document = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{model}"
_ERRORS: Final = {
    400: "The body is malformed, or fields or parameters are invalid: `errors` names each.",
    401: "No access token, or one that is wrong or has expired; at login: wrong user or password.",
    403: "The role is too weak, the password is too weak for this caller, or a page of another site has sent it.",
    404: "There is no such app, job, run or task, or whatever else the call names.",
    409: "It exists already, or its state does not allow the call.",
    413: "The body is over 1 MiB.",
    415: "The content type is neither JSON nor text, or the body is compressed.",
    429: "Too many failed logins; `Retry-After` says when to try again.",
    502: "The leader had the call and fell silent: look whether it was carried out before you repeat it.",
    503: "No leader at the moment, or a full queue; `Retry-After` says when to try again.",
}

TEXT: Final[Document] = {"type": "string"}
INTEGER: Final[Document] = {"type": "integer"}
NUMBER: Final[Document] = {"type": "number"}
BOOLEAN: Final[Document] = {"type": "boolean"}
TRUE: Final[Document] = {"const": True}


def array_of(items: Document) -> Document:
    """Describe an array."""
    return {"type": "array", "items": items}


def object_of(properties: dict[str, Document], optional: tuple[str, ...] = ()) -> Document:
    """Describe an object that has all of these properties but the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def nullable(document: Document) -> Document:
    """Describe what may be null."""
    return {"anyOf": [document, {"type": "null"}]}


def reference(name: str) -> Document:
    """Point to a schema of the document."""
    return {"$ref": _REFERENCE.format(model=name)}


def described(
    result: Document | None,
    *,
    errors: tuple[int, ...] = (),
    body: type[RequestBody] | Document | None = None,
    query: type[QueryParameters] | None = None,
    more_results: Document | None = None,
) -> dict[str, Any]:
    """Give what FastAPI needs to know to describe a call: what it takes, and what it answers.

    `result`: the schema of its JSON; None: it has none, only `more_results`, by media type.
    """
    extra: Document = {}
    statuses = {401, 503, *errors}
    if result is TRUE:  # a command
        statuses.add(502)
    if body is not None:
        extra["requestBody"] = body if isinstance(body, dict) else _body_of(body)
        statuses |= {400, 413, 415}
    if query is not None:
        extra["parameters"] = parameter_documents(query)
        statuses.add(400)
    return _call(result, statuses, extra, more_results)


def _body_of(body: type[RequestBody]) -> Document:
    return described_body(reference(body.__name__), EXAMPLES[body])


def described_body(schema: Document, example: Mapping[str, Any]) -> Document:
    """Describe a body."""
    return _required_body({"application/json": {"schema": schema, "example": example}})


def described_by_job_name(
    result: Document,
    *,
    errors: tuple[int, ...],
    body: type[RequestBody] | None = None,
    headers: Document | None = None,
) -> dict[str, Any]:
    """Describe a call whose body is a job's name, a bare word or a JSON string; or also an object, if `body` is given.

    `headers`: of its answer, by name.
    """
    name: Document = {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "description": "The job's name, as a bare word or a JSON string.",
    }
    examples: Document = {"bare word": {"value": "my_job"}, "JSON string": {"value": '"my_job"'}}
    text = {"schema": name, "examples": examples}
    content = {"application/json": text, "text/plain": text}
    if body is not None:
        content["application/json"] = {
            "schema": {"anyOf": [name, reference(body.__name__)]},
            "examples": examples | {"object": {"value": EXAMPLES[body]}},
        }
    statuses = {400, 401, 413, 415, 502, 503, *errors}
    call = _call(result, statuses, {"requestBody": _required_body(content)}, None)
    if headers is not None:
        call["responses"][200]["headers"] = headers
    return call


def _required_body(content: Document) -> Document:
    return {"required": True, "content": content}


def _call(
    result: Document | None, statuses: set[int], extra: Document, more_results: Document | None
) -> dict[str, Any]:
    failure = {"application/json": {"schema": reference("Error")}}
    in_json: Document = {} if result is None else {"application/json": {"schema": result}}
    responses: dict[int | str, Document] = {
        200: {
            "description": "Done." if result is TRUE else "The answer.",
            "content": {**in_json, **(more_results or {})},
        }
    }
    for status in sorted(statuses):
        responses[status] = {"description": _ERRORS[status], "content": failure}
    return {"response_class": Response, "responses": responses, "openapi_extra": extra}


def openapi_document(app: FastAPI, *, needs_token: bool) -> Document:
    """Describe the whole API (OpenAPI 3.1)."""
    document = get_openapi(
        title="ElasticJob-Cloud",
        version=elasticjob_cloud.__version__,
        description="Publish apps, register jobs, watch tasks. A command that succeeds answers `true`.",
        routes=app.routes,
    )
    components: Document = document.setdefault("components", {})
    components["schemas"] = _schemas()
    components["securitySchemes"] = {
        "accessToken": {"type": "apiKey", "in": "header", "name": "accessToken"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        "console": {"type": "apiKey", "in": "header", "name": CONSOLE_HEADER},
    }
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            # FastAPI's own validation error never occurs: ours is 400.
            call["responses"].pop("422", None)
            closed = needs_token and path.startswith("/api/") and path not in SESSION_CALLS
            # A browser's session changes something only together with the console's header.
            session: Document = {"session": []} if method == "get" else {"session": [], "console": []}
            call["security"] = [{"accessToken": []}, {"bearer": []}, session] if closed else []
            if closed:
                forbidden = {"application/json": {"schema": reference("Error")}}
                call["responses"]["403"] = {"description": _ERRORS[403], "content": forbidden}
    return document


def _schemas() -> Document:
    _, bodies = models_json_schema([(body, "validation") for body in EXAMPLES], ref_template=_REFERENCE)
    schemas: Document = dict(bodies["$defs"])
    for body in EXAMPLES:
        if body.ignored_fields:
            ignored = {"deprecated": True, "description": "Upstream's; accepted and ignored."}
            schemas[body.__name__]["properties"] |= dict.fromkeys(sorted(body.ignored_fields), ignored)
        if "alerts" in body.model_fields:
            schemas[body.__name__]["properties"]["alerts"] = reference("AlertRule")
    _, records = msgspec.json.schema_components(
        [AppConfiguration, JobConfiguration], ref_template="#/components/schemas/{name}"
    )
    for name in ("AppConfiguration", "JobConfiguration"):
        records[name]["properties"]["disabled"] = BOOLEAN
        records[name]["required"] = list(records[name]["properties"])
        records[name]["properties"]["alerts"] = reference("AlertRule")
    # What a run was started with: a run cannot be disabled.
    ran_under = dict(records["JobConfiguration"])
    ran_under["properties"] = {
        name: field for name, field in ran_under["properties"].items() if name not in {"disabled", "alerts"}
    }
    records["RunConfiguration"] = ran_under | {
        "title": "RunConfiguration",
        "required": list(ran_under["properties"]),
    }
    field = object_of({"field": TEXT, "message": TEXT})
    error = object_of({"message": TEXT, "errors": array_of(field)}, optional=("errors",))
    return {**schemas, **records, "AlertRule": ALERT_RULE, "Error": error}

# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/app`: publish, change and remove apps."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from elasticjob_cloud.api.access.masked import keep_masked, sees_secrets
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.answers.streams import streamed_list
from elasticjob_cloud.api.answers.views import app_view
from elasticjob_cloud.api.openapi.documents import BOOLEAN, TRUE, array_of, described, reference
from elasticjob_cloud.api.requests.alerts import known_rule
from elasticjob_cloud.api.requests.app_urls import is_allowed
from elasticjob_cloud.api.requests.known import check_app_name
from elasticjob_cloud.api.requests.models import PublishAppRequest, UpdateAppRequest
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.validation import check_fields
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.service.port import DeleteApp, PublishApp, SchedulerPort, SetAppDisabled, UpdateApp

AppName = Annotated[str, Path(alias="appName")]


def app_routes(
    scheduler: SchedulerPort, bodies: BodyReader, allowed_url_prefixes: tuple[str, ...]
) -> APIRouter:
    """Give the routes of apps."""
    router = APIRouter(prefix="/api/app", tags=["apps"])

    def check_url(url: str | None) -> None:
        if url is not None and not is_allowed(url, allowed_url_prefixes):
            allowed = ", ".join(allowed_url_prefixes)
            problem = f"is not below an allowed prefix ({allowed}); the setting allowed_url_prefixes says which are."
            raise InvalidRequestError.of(FieldError("appURL", problem))

    async def stored_app(app_name: Any) -> AppConfiguration | None:
        with suppress(NotFoundError):  # then the command says so
            return (await scheduler.app(app_name)).configuration if isinstance(app_name, str) else None
        return None

    async def alert_rule(given: PublishAppRequest | UpdateAppRequest) -> AlertRule | None:
        if given.alerts is None:
            return None
        names = {channel.name for channel in await scheduler.alerts.channels()}
        return known_rule(given.alerts, names, "alerts.")

    @router.post("", **described(TRUE, body=PublishAppRequest, errors=(409,)))
    async def publish_app(request: Request) -> Response:
        """Publish an app."""
        given = check_fields(PublishAppRequest, keep_masked(await bodies.object(request)))
        check_url(given.app_url)
        rule = await alert_rule(given)
        await scheduler.submit(
            PublishApp(given.to_configuration(), disabled=bool(given.disabled), alerts=rule)
        )
        return done()

    @router.put("", **described(TRUE, body=UpdateAppRequest, errors=(404, 409)))
    async def update_app(request: Request) -> Response:
        """Change the given fields of an app, keep the rest. `***` where a list shows it keeps the secret. Running executors keep their settings until they restart."""
        payload = await bodies.object(request)
        stored = await stored_app(payload.get("appName"))
        given = check_fields(UpdateAppRequest, keep_masked(payload, stored), stored=stored)
        if stored is None or given.app_url != stored.app_url:
            check_url(given.app_url)
        rule = await alert_rule(given)
        await scheduler.submit(UpdateApp(given.app_name, given.to_changes(), given.disabled, rule))
        return done()

    @router.get("/list", **described(array_of(reference("AppConfiguration"))))
    async def list_apps() -> Response:
        """Give all apps, by name, with secrets as `***`."""
        rules = await scheduler.alerts.rules()
        apps = await scheduler.apps()
        return await streamed_list(lambda app: app_view(app, rules), scheduler.reading.pieces(apps))

    @router.get("/{appName}", **described(reference("AppConfiguration"), errors=(404,)))
    async def read_app(app_name: AppName, request: Request) -> Response:
        """Give one app; guests see secrets as `***`."""
        record = await scheduler.app(check_app_name(app_name))
        rules = await scheduler.alerts.rules()
        return json_response(app_view(record, rules, shows_secrets=sees_secrets(request)))

    @router.delete("/{appName}", **described(TRUE, errors=(404, 409)))
    async def delete_app(app_name: AppName) -> Response:
        """Remove an app and its jobs, kill their tasks, stop its executors everywhere."""
        await scheduler.submit(DeleteApp(check_app_name(app_name)))
        return done()

    @router.get("/{appName}/disable", **described(BOOLEAN, errors=(404,)))
    async def is_app_disabled(app_name: AppName) -> Response:
        """Tell whether an app is disabled."""
        return json_response((await scheduler.app(check_app_name(app_name))).disabled)

    @router.post("/{appName}/disable", **described(TRUE, errors=(404, 409)))
    async def disable_app(app_name: AppName) -> Response:
        """Stop scheduling the app's jobs and kill their running tasks."""
        await scheduler.submit(SetAppDisabled(check_app_name(app_name), disabled=True))
        return done()

    @router.delete("/{appName}/disable", **described(TRUE, errors=(404, 409)))  # as ElasticJob 2.x has it
    @router.post("/{appName}/enable", **described(TRUE, errors=(404, 409)))
    async def enable_app(app_name: AppName) -> Response:
        """Take the app's jobs up again."""
        await scheduler.submit(SetAppDisabled(check_app_name(app_name), disabled=False))
        return done()

    return router

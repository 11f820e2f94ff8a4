# ruff: noqa: FAST003 - ruff does not see the alias inside a named Annotated type
"""`/api/alert`: what is wrong, and who hears of it."""

import asyncio
import heapq
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from elasticjob_cloud.api.access.masked import caller_name
from elasticjob_cloud.api.answers.alerts import alert_view, channel_view, delivery_view
from elasticjob_cloud.api.answers.responses import done, json_response
from elasticjob_cloud.api.openapi import alerts as documents
from elasticjob_cloud.api.openapi.documents import TRUE, array_of, described
from elasticjob_cloud.api.requests.alerts import (
    OPEN,
    AlertEventsQuery,
    AlertRulesQuery,
    DeliveriesQuery,
    known_channel,
    known_rule,
)
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.raw.query import parse_time_ms, read_query
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.alerting.alert import AlertState
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import DeliveryState
from elasticjob_cloud.model.alerting.json.rule_fields import check_scope, rule_fields
from elasticjob_cloud.model.alerting.json.silence_fields import read_silence, silence_fields
from elasticjob_cloud.model.alerting.queries import AlertQuery, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import APP_PREFIX, GLOBAL_SCOPE, JOB_PREFIX
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError, NotFoundError
from elasticjob_cloud.service.port import (
    AcknowledgeAlert,
    DropSilence,
    PutAlertRule,
    PutSilence,
    SchedulerPort,
)

Scope = Annotated[str, Path(alias="scope", description="`global`, `app:NAME` or `job:NAME`")]
ChannelName = Annotated[str, Path(alias="name")]
Id = Annotated[str, Path(alias="id")]
Choice = TypeVar("Choice", bound=StrEnum)


def alert_routes(scheduler: SchedulerPort, bodies: BodyReader, wall_ms: Callable[[], int]) -> APIRouter:
    """Give the routes of alerts."""
    router = APIRouter(prefix="/api/alert", tags=["alerts"])
    _add_rules(router, scheduler, bodies)
    _add_channels(router, scheduler, bodies)
    _add_silences(router, scheduler, bodies, wall_ms)
    _add_lists(router, scheduler)
    return router


def _add_rules(router: APIRouter, scheduler: SchedulerPort, bodies: BodyReader) -> None:
    rules = {"type": "object", "additionalProperties": documents.RULE}

    @router.get("/rules", **described(rules, query=AlertRulesQuery))
    async def list_alert_rules(request: Request) -> Response:
        """Give the rules, by scope: all, or those that are asked for."""
        given = read_query(request, AlertRulesQuery)
        found = await scheduler.alerts.rules()
        wanted: Iterable[str] = found
        if given.holds_for:
            wanted = [scope for scope in await _scopes_of(scheduler, given.holds_for) if scope in found]
        if given.search:
            sought = given.search.casefold()
            wanted = (scope for scope in wanted if sought in scope.casefold())
        if given.after:
            wanted = (scope for scope in wanted if scope > given.after)
        scopes = heapq.nsmallest(given.limit, wanted) if given.limit else sorted(wanted)
        return json_response({scope: rule_fields(found[scope]) for scope in scopes})

    @router.get("/rules/{scope}", **described(documents.RULE, errors=(400, 404)))
    async def read_alert_rule(scope: Scope) -> Response:
        """Give what the rule of a scope says. Farther rules and the defaults say the rest."""
        await _check_scope(scheduler, scope)
        rule = (await scheduler.alerts.rules()).get(scope)
        if rule is None:
            raise NotFoundError(f"'{shown(scope)}' has no rule: farther rules and the defaults hold.")
        return json_response(rule_fields(rule))

    @router.put("/rules/{scope}", **described(TRUE, body=documents.RULE_REQUEST, errors=(404,)))
    async def put_alert_rule(scope: Scope, request: Request) -> Response:
        """Set the rule of a scope, over the one that it has."""
        payload = await bodies.object(request)
        await _check_scope(scheduler, scope)
        names = {channel.name for channel in await scheduler.alerts.channels()}
        await scheduler.submit(PutAlertRule(scope, known_rule(payload, names)))
        return done()

    @router.delete("/rules/{scope}", **described(TRUE, errors=(400, 404)))
    async def delete_alert_rule(scope: Scope) -> Response:
        """Take the rule of a scope away."""
        await _check_scope(scheduler, scope)
        if scope not in await scheduler.alerts.rules():
            raise NotFoundError(f"'{shown(scope)}' has no rule.")
        await scheduler.submit(PutAlertRule(scope, None))
        return done()


async def _scopes_of(scheduler: SchedulerPort, scope: str) -> tuple[str, ...]:
    """Give the scopes whose rules hold for a scope, the nearest first."""
    await _check_scope(scheduler, scope)
    if scope == GLOBAL_SCOPE:
        return (scope,)
    if not scope.startswith(JOB_PREFIX):
        return (scope, GLOBAL_SCOPE)
    job = await scheduler.job(scope.removeprefix(JOB_PREFIX))
    return (scope, APP_PREFIX + job.configuration.app_name, GLOBAL_SCOPE)


async def _check_scope(scheduler: SchedulerPort, scope: str) -> None:
    """Refuse a scope that cannot be, or that names no app or job."""
    check_scope(scope)
    try:
        if scope.startswith(JOB_PREFIX):
            await scheduler.job(scope.removeprefix(JOB_PREFIX))
        elif scope != GLOBAL_SCOPE:
            await scheduler.app(scope.removeprefix(APP_PREFIX))
    except NotFoundError as error:
        raise InvalidRequestError.of(FieldError("scope", str(error))) from None


def _add_channels(router: APIRouter, scheduler: SchedulerPort, bodies: BodyReader) -> None:
    @router.get("/channels", **described(array_of(documents.CHANNEL)))
    async def list_alert_channels() -> Response:
        """Give all channels, by name. Their secrets are `***`, for everybody."""
        return json_response([channel_view(each) for each in await scheduler.alerts.channels()])

    @router.get("/channels/{name}", **described(documents.CHANNEL, errors=(404,)))
    async def read_alert_channel(name: ChannelName) -> Response:
        """Give one channel. Its secrets are `***`, for everybody."""
        for channel in await scheduler.alerts.channels():
            if channel.name == name:
                return json_response(channel_view(channel))
        raise NotFoundError(f"There is no channel '{shown(name)}'.")

    @router.put("/channels/{name}", **described(TRUE, body=documents.CHANNEL_REQUEST))
    async def put_alert_channel(name: ChannelName, request: Request) -> Response:
        """Set a channel, over the one of its name. `***` where `GET` shows it keeps the secret."""
        payload = await bodies.object(request)
        payload.pop("name", None)  # `GET` shows it
        stored = {channel.name: channel for channel in await scheduler.alerts.channels()}
        await scheduler.alerts.put_channel(known_channel(name, payload, stored.get(name)))
        return done()

    @router.delete("/channels/{name}", **described(TRUE, errors=(404, 409)))
    async def delete_alert_channel(name: ChannelName) -> Response:
        """Delete a channel that no rule names."""
        await scheduler.alerts.drop_channel(name)
        return done()

    @router.post("/channels/{name}/test", **described(documents.PROBE, errors=(404,)))
    async def try_alert_channel(name: ChannelName) -> Response:
        """Send a test message to a channel now, and tell whether it arrived."""
        error = await scheduler.alerts.try_channel(name)
        return json_response({"delivered": error is None, "error": error or ""})


def _add_silences(
    router: APIRouter, scheduler: SchedulerPort, bodies: BodyReader, wall_ms: Callable[[], int]
) -> None:
    @router.get("/silences", **described(array_of(documents.SILENCE)))
    async def list_silences() -> Response:
        """Give the silences that are not over."""
        return json_response([silence_fields(each) for each in await scheduler.alerts.silences()])

    @router.post("/silences", **described(documents.SILENCE, body=documents.SILENCE_REQUEST))
    async def add_silence(request: Request) -> Response:
        """Hold back messages of an app, a job, a condition, or all alerts, until an end. Give the silence with its id."""
        silence = read_silence(
            await bodies.object(request),
            silence_id=uuid.uuid4().hex,
            created_by=caller_name(request),
            now_ms=wall_ms(),
        )
        await scheduler.submit(PutSilence(silence))
        return json_response(silence_fields(silence))

    @router.delete("/silences/{id}", **described(TRUE, errors=(404,)))
    async def end_silence(silence_id: Id) -> Response:
        """End a silence: what it held back is told, if it is still wrong."""
        await scheduler.submit(DropSilence(silence_id))
        return done()


def _add_lists(router: APIRouter, scheduler: SchedulerPort) -> None:
    @router.get("/events", **described(documents.page_of(documents.ALERT), query=AlertEventsQuery))
    async def list_alerts(request: Request) -> Response:
        """Give a page of alerts, those that fired last first."""
        given = read_query(request, AlertEventsQuery)
        zone = ZoneInfo(scheduler.default_time_zone())
        is_open = given.state == OPEN
        query = AlertQuery(
            state=None if is_open else _choice("state", given.state, AlertState),
            is_open=is_open,
            condition=_choice("condition", given.condition, Condition),
            job_name=given.job_name,
            app_name=given.app_name,
            start_ms=parse_time_ms("startTime", given.start_time, zone) if given.start_time else None,
            end_ms=parse_time_ms("endTime", given.end_time, zone) if given.end_time else None,
            limit=given.limit,
            cursor=given.cursor,
        )
        page = await scheduler.alerts.events(query)
        # Masking long summaries takes its time, and scheduling must go on meanwhile.
        rows = await asyncio.to_thread(lambda: [alert_view(alert) for alert in page.rows])
        return json_response({"rows": rows, "next": page.next})

    @router.get("/events/{id}", **described(documents.ALERT, errors=(404,)))
    async def read_alert(alert_id: Id) -> Response:
        """Give one alert."""
        return json_response(alert_view(await scheduler.alerts.event(alert_id)))

    @router.post("/events/{id}/acknowledge", **described(TRUE, errors=(404,)))
    async def acknowledge_alert(alert_id: Id, request: Request) -> Response:
        """Note that somebody knows of an alert: there are no more reminders."""
        await scheduler.submit(AcknowledgeAlert(alert_id, caller_name(request)))
        return done()

    @router.get("/deliveries", **described(documents.page_of(documents.DELIVERY), query=DeliveriesQuery))
    async def list_deliveries(request: Request) -> Response:
        """Give a page of deliveries, the newest first: which message went to which channel, and what became of it."""
        given = read_query(request, DeliveriesQuery)
        query = DeliveryQuery(
            channel=given.channel,
            state=_choice("state", given.state, DeliveryState),
            message_id=given.message_id,
            limit=given.limit,
            cursor=given.cursor,
        )
        page = await scheduler.alerts.deliveries(query)
        return json_response({"rows": [delivery_view(each) for each in page.rows], "next": page.next})


def _choice(field: str, text: str, choices: type[Choice]) -> Choice | None:
    if not text:
        return None
    if text not in set(choices):
        names = ", ".join(choices)
        raise InvalidRequestError.of(FieldError(field, f"'{shown(text)}' is none of {names}."))
    return choices(text)

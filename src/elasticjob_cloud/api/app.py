"""The REST API as one ASGI app."""

import time
from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI, Request, Response
from prometheus_client import REGISTRY, CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.browser_guard import BrowserGuard
from elasticjob_cloud.api.access.own_user import OwnUser, OwnUserGate
from elasticjob_cloud.api.access.proxies import TrustedProxies
from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.boundary import Boundary
from elasticjob_cloud.api.console.files import ConsoleFiles
from elasticjob_cloud.api.console.pages import page_response, wants_page
from elasticjob_cloud.api.console.routes import ASSETS, console_routes
from elasticjob_cloud.api.leader.forwarding import Forwarding
from elasticjob_cloud.api.leader.relay import Relay
from elasticjob_cloud.api.requests.raw.body import BodyReader
from elasticjob_cloud.api.requests.raw.paths import API_PREFIX, path_hint
from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.api.routes.alerts import alert_routes
from elasticjob_cloud.api.routes.apps import app_routes
from elasticjob_cloud.api.routes.bulk import bulk_routes
from elasticjob_cloud.api.routes.console.changes import changes_routes
from elasticjob_cloud.api.routes.console.failures import failure_routes
from elasticjob_cloud.api.routes.console.overview import overview_routes
from elasticjob_cloud.api.routes.console.timeline import timeline_routes
from elasticjob_cloud.api.routes.history import history_routes
from elasticjob_cloud.api.routes.job_list import job_list_routes
from elasticjob_cloud.api.routes.jobs import job_routes
from elasticjob_cloud.api.routes.logs import log_routes
from elasticjob_cloud.api.routes.runs import run_routes
from elasticjob_cloud.api.routes.statistics import statistics_routes
from elasticjob_cloud.api.routes.system.docs import docs_routes
from elasticjob_cloud.api.routes.system.login import login_routes
from elasticjob_cloud.api.routes.system.operations import operation_routes
from elasticjob_cloud.api.routes.system.probes import probe_routes
from elasticjob_cloud.api.routes.tasks import task_routes
from elasticjob_cloud.api.settings import ApiSettings
from elasticjob_cloud.api.shared_reads import SharedReads
from elasticjob_cloud.service.port import SchedulerPort


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def create_app(
    scheduler: SchedulerPort,
    authenticator: Authenticator | None,
    settings: ApiSettings | None = None,
    *,
    registry: CollectorRegistry = REGISTRY,
    wall_ms: Callable[[], int] = _wall_ms,
    monotonic_seconds: Callable[[], float] = time.monotonic,
    relay: Relay | None = None,
    proxies: TrustedProxies | None = None,
    console: ConsoleFiles | None = None,
) -> FastAPI:
    """Make the REST API of a scheduler.

    Args:
        scheduler: What answers queries and carries out commands.
        authenticator: Who may do what; None asks nobody to log in (`--no-auth`), and serves the user who started it.
        settings: The API's own settings.
        registry: The metrics that `/metrics` shows.
        wall_ms: The clock that fires are counted from, in epoch milliseconds.
        monotonic_seconds: The clock that limits how often one may reconcile, and how long calls wait for a leader.
        proxies: Whose word about a caller's address is believed.
        console: The web console's files; None: it was not built.
        relay: The way to the scheduler that leads when this one does not; None: there is no other.

    Returns:
        An ASGI app, to be served by uvicorn.
    """
    settings = settings or ApiSettings()
    console = console or ConsoleFiles()
    own_user = OwnUser(None if relay is None else relay.mark)
    # All off: FastAPI's telemetry would wrap each request, and prometheus-client has our metrics.
    app = FastAPI(
        title="ElasticJob-Cloud",
        openapi_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    # The innermost: what it answers is for callers who were let in, of the scheduler that leads.
    app.add_middleware(SharedReads, revision_of=scheduler.reading.revision_of)
    if authenticator is None:
        app.add_middleware(OwnUserGate, own_user=own_user)
    if relay is not None:
        # Within the boundary: what is refused there need not reach the leader.
        app.add_middleware(
            Forwarding,
            relay=relay,
            own_user=own_user,
            body_limit_bytes=settings.body_limit_bytes,
            wait_seconds=settings.leader_wait_seconds,
            monotonic_seconds=monotonic_seconds,
        )
    app.add_middleware(
        Boundary,
        authenticator=authenticator,
        guard=_browser_guard(authenticator, settings),
        own_user=own_user,
        body_limit_bytes=settings.body_limit_bytes,
        proxies=proxies,
        has_route=lambda scope: any(route.matches(scope)[0] is Match.FULL for route in app.router.routes),
    )
    bodies = BodyReader(settings.body_limit_bytes)
    routers = (
        changes_routes(
            scheduler
        ),  # first: routes are tried one after the other, and consoles ask this every second
        login_routes(scheduler, authenticator, bodies, own_user, settings.public_url),
        app_routes(scheduler, bodies, settings.allowed_url_prefixes),
        job_list_routes(scheduler),
        bulk_routes(scheduler, bodies),
        job_routes(scheduler, bodies, wall_ms),
        run_routes(scheduler, bodies, wall_ms),
        task_routes(scheduler),
        alert_routes(scheduler, bodies, wall_ms),
        log_routes(scheduler),
        history_routes(scheduler),
        statistics_routes(scheduler, wall_ms),
        operation_routes(scheduler, settings.reconcile_interval_seconds, monotonic_seconds),
        overview_routes(scheduler),
        timeline_routes(scheduler, wall_ms),
        failure_routes(scheduler, wall_ms),
        probe_routes(scheduler, registry),
        docs_routes(app, needs_token=authenticator is not None),
    )
    for router in routers:
        # Their paths are whole already; `include_router` would match each request against the routers first.
        app.router.routes.extend(router.routes)
    pages = console_routes(console)
    app.router.routes.extend(pages)
    routes = [*(route for router in routers for route in router.routes), *pages]
    app.add_exception_handler(HTTPException, _no_such_call(routes, console))
    return app


def _browser_guard(authenticator: Authenticator | None, settings: ApiSettings) -> BrowserGuard | None:
    if authenticator is None:
        return BrowserGuard(settings.allowed_hosts, every_request=True)
    if authenticator.has_default_passwords:
        return BrowserGuard(settings.allowed_hosts, every_request=False)
    return None


def _no_such_call(
    all_routes: Sequence[BaseRoute], console: ConsoleFiles
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Give the handler of what the router refuses: a path or a method that there is not."""
    routes = [route for route in all_routes if isinstance(route, Route)]

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        call = f"{request.method} {shown(request.url.path)}"
        if error.status_code == 404:
            hint = path_hint(request.url.path)
            if console and wants_page(request) and not hint and not _is_data(request.url.path):
                return page_response(console, request, 404)
            return json_response({"message": f"There is no {call}; /api/docs lists all calls.{hint}"}, 404)
        if error.status_code == 405:
            # One path may have several routes, one for each method; the router knows of the first alone.
            partial = [route for route in routes if route.matches(request.scope)[0] is Match.PARTIAL]
            methods = {method for route in partial for method in route.methods or ()}
            allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
            message = f"There is no {call}; allowed here: {allowed}."
            return json_response({"message": message}, 405, {"Allow": allowed})
        return json_response({"message": str(error.detail)}, error.status_code, error.headers)

    return answer


def _is_data(path: str) -> bool:
    return path == API_PREFIX or path.startswith((f"{API_PREFIX}/", ASSETS))

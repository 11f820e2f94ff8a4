"""From settings to a server: which store, which engine, which limits."""

import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from fastapi import FastAPI

from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark
from elasticjob_cloud.api.access.proxies import TrustedProxies
from elasticjob_cloud.api.access.users import AuthSettings, check_exposure
from elasticjob_cloud.api.app import create_app
from elasticjob_cloud.api.console.files import ConsoleFiles
from elasticjob_cloud.api.leader.relay import Relay
from elasticjob_cloud.api.settings import ApiSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings, PlacementPolicy
from elasticjob_cloud.server.addresses import advertised_url, listen, server_url
from elasticjob_cloud.server.engines import build_engine
from elasticjob_cloud.server.files import kept_token_secret, make_data_dir, new_token_secret, token_secret
from elasticjob_cloud.server.run import Server
from elasticjob_cloud.service.alerting.settings import AlertSettings
from elasticjob_cloud.service.housekeeping.retention import HistoryLimits
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.url import parse_database_url

_log = logging.getLogger(__name__)
_KEY_NAME = "access-token"  # the name of the key in the database


def build_server(
    settings: SchedulerSettings,
    on_commit: Callable[[Changes], None] | None = None,
    *,
    engine: Engine | None = None,
) -> Server:
    """Make a server that listens already, but does not serve yet.

    Args:
        settings: As `load_settings` gave them.
        on_commit: Called with the rows of each turn once they are durable.
        engine: Used instead of the one that the settings name, for tests.

    Raises:
        StartError: the port is taken, the data directory cannot be written, or the engine is not available.
    """
    check_exposure(settings.host, AuthSettings.of(settings))
    listener = listen(settings.host, settings.port)
    make_data_dir(settings.data_dir)
    port = listener.getsockname()[1]
    address = settings.advertise_url or advertised_url(settings.host, port, settings.store_url)
    scheduler = Scheduler(
        SqlStore(settings.store_url),
        engine or build_engine(settings),
        CoreSettings(
            time_zone=settings.time_zone,
            job_state_queue_size=settings.job_state_queue_size,
            misfire_limit=settings.misfire_limit,
            failover_attempts=settings.failover_attempts,
            placement=PlacementPolicy(settings.placement),
            # No other engine has machines that anybody takes away.
            release_idle_ms=round(settings.release_idle_seconds * 1000) if settings.engine == "ray" else 0,
        ),
        LeadershipSettings(
            address=address,
            lease_seconds=settings.lease_seconds,
            takes_over_agents=settings.take_over_agents,
            clock_limit_seconds=settings.clock_limit_seconds,
            history=HistoryLimits(settings.history_days, settings.history_limit_bytes, settings.alert_days),
            watched_directories=(str(settings.data_dir),),
            alerts=AlertSettings(settings.public_url, settings.time_zone),
            metrics_job_limit=settings.metrics_job_limit,
        ),
        database_url=settings.store_url,
        on_commit=on_commit,
    )

    proxies = TrustedProxies(settings.trusted_proxies)

    async def build_app(closing: AsyncExitStack) -> FastAPI:
        """Make the API once the scheduler has its database, which may keep the key of the tokens."""
        secret = await _token_secret(settings, scheduler)
        relay = Relay(scheduler.leadership, ForwardingMark(secret, time.time), address, settings.ca_file)
        closing.push_async_callback(relay.close)
        return create_app(
            scheduler,
            None if settings.no_auth else _authenticator(settings, secret),
            ApiSettings.of(settings),
            registry=scheduler.metrics.registry,
            relay=relay,
            proxies=proxies,
            console=_console(),
        )

    return Server(scheduler, build_app, listener, server_url(settings.host, port), proxies.trusts)


def _authenticator(settings: SchedulerSettings, secret: bytes) -> Authenticator:
    return Authenticator(AuthSettings.of(settings), secret, login_failures=settings.login_failures)


def _console() -> ConsoleFiles:
    console = ConsoleFiles.built()
    if not console:
        _log.info("The web console is not built; its address says how to build it.")
    return console


async def _token_secret(settings: SchedulerSettings, scheduler: Scheduler) -> bytes:
    """Give the key that signs tokens: all schedulers of a database have one, so that a token is good at each."""
    if parse_database_url(settings.store_url).get_backend_name() == "sqlite":
        return token_secret(settings.data_dir)
    proposal = kept_token_secret(settings.data_dir) or new_token_secret()
    return bytes.fromhex(await scheduler.secret(_KEY_NAME, proposal.hex()))

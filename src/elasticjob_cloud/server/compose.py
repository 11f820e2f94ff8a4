"""From settings to a server: which store, which engine, which limits."""

import socket
from collections.abc import Callable

from elasticjob_cloud.api.app import create_app
from elasticjob_cloud.api.auth import Authenticator, AuthSettings, check_exposure
from elasticjob_cloud.api.settings import ApiSettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings, PlacementPolicy
from elasticjob_cloud.server.engines import build_engine
from elasticjob_cloud.server.files import make_data_dir, token_secret
from elasticjob_cloud.server.run import Server
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.service.settings import SchedulerSettings
from elasticjob_cloud.store import SqlStore


def build_server(settings: SchedulerSettings, on_commit: Callable[[Changes], None] | None = None) -> Server:
    """Make a server that listens already, but does not serve yet.

    Args:
        settings: As `load_settings` gave them.
        on_commit: Called with the rows of each turn once they are durable.

    Raises:
        StartError: the port is taken, the data directory cannot be written, or the engine is not available.
    """
    check_exposure(settings.host, AuthSettings.of(settings))
    listener = _listen(settings.host, settings.port)
    make_data_dir(settings.data_dir)
    port = listener.getsockname()[1]
    scheduler = Scheduler(
        SqlStore(settings.store_url),
        build_engine(settings),
        CoreSettings(
            time_zone=settings.time_zone,
            job_state_queue_size=settings.job_state_queue_size,
            misfire_limit=settings.misfire_limit,
            failover_attempts=settings.failover_attempts,
            placement=PlacementPolicy(settings.placement),
        ),
        LeadershipSettings(
            address=f"http://{_in_url(settings.host)}:{port}",
            lease_seconds=settings.lease_seconds,
            history_days=settings.history_days,
        ),
        database_url=settings.store_url,
        on_commit=on_commit,
    )
    authenticator = None
    if not settings.no_auth:
        authenticator = Authenticator(AuthSettings.of(settings), token_secret(settings.data_dir))
    app = create_app(scheduler, authenticator, ApiSettings.of(settings), registry=scheduler.metrics.registry)
    return Server(scheduler, app, listener, f"http://{_in_url(settings.host)}:{port}")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        hint = "Choose another with --port, or stop what listens there." if port else "Check --host."
        message = f"Cannot listen on {host}:{port}: {error.strerror or error}. {hint}"
        raise StartError(message) from error
    return listener


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host

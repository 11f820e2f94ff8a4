"""From settings to a server: which store, which engine, which limits."""

import socket
from collections.abc import Callable

from elasticjob_cloud.agent.apps import AppLimits
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.api.app import create_app
from elasticjob_cloud.api.auth import Authenticator, AuthSettings, check_exposure
from elasticjob_cloud.api.settings import ApiSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
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
        _engine(settings),
        CoreSettings(
            time_zone=settings.time_zone,
            job_state_queue_size=settings.job_state_queue_size,
            misfire_limit=settings.misfire_limit,
            failover_attempts=settings.failover_attempts,
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


def _engine(settings: SchedulerSettings) -> Engine:
    if settings.engine == "ray":
        message = "The ray engine is not part of this version; use --engine local."
        raise StartError(message)
    return LocalEngine(
        settings.data_dir / "agent", _agent_settings(settings), settings.cpus, settings.memory_mb
    )


def _agent_settings(settings: SchedulerSettings) -> AgentSettings:
    return AgentSettings(
        app_limits=AppLimits(
            download_bytes=int(settings.app_download_limit_bytes),
            extracted_bytes=int(settings.app_extracted_limit_bytes),
            file_count=settings.app_file_limit,
            download_seconds=settings.app_download_seconds,
            allowed_url_prefixes=settings.allowed_url_prefixes,
            cache_bytes=int(settings.app_cache_bytes),
        ),
        output_limit_bytes=int(settings.output_limit_bytes),
        output_retention_seconds=settings.output_days * 86_400,
        output_total_bytes=int(settings.output_total_bytes),
        output_file_count=settings.output_file_count,
        kill_grace_seconds=settings.kill_grace_seconds,
        executor_idle_seconds=settings.executor_idle_seconds,
        orphan_seconds=settings.orphan_seconds,
    )


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

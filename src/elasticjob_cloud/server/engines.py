"""From settings to an engine, and what it gives its agents."""

from importlib.util import find_spec

import msgspec

from elasticjob_cloud.agent.apps import AppLimits
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.engine.local import LocalEngine
from elasticjob_cloud.engine.ray.engine import RayEngine
from elasticjob_cloud.engine.ray.frames import GatewaySettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.server.descriptors import inherited_descriptor_limit
from elasticjob_cloud.settings.scheduler import SchedulerSettings


def build_engine(settings: SchedulerSettings) -> Engine:
    """Make the engine that the settings name.

    Raises:
        StartError: what it needs is not installed.
    """
    if settings.engine == "local":
        # The agent is a child of this process, which raises its own limit.
        of_agent = msgspec.structs.replace(agent_settings(settings), open_files=inherited_descriptor_limit())
        return LocalEngine(settings.data_dir / "agent", of_agent, settings.cpus, settings.memory_mb)
    if find_spec("ray") is None:
        raise StartError(
            "The ray engine needs Ray: pip install 'elasticjob-cloud[scheduler,ray]', here and on all nodes."
        )
    fenced = msgspec.structs.replace(agent_settings(settings), fence_seconds=settings.fence_seconds)
    gateway = GatewaySettings(
        address=settings.ray_address,
        namespace=settings.ray_namespace,
        agent_dir=settings.agent_dir,
        agent_settings=msgspec.json.encode(fenced).decode(),
    )
    return RayEngine(gateway, settings.lost_seconds, settings.data_dir / "ray-gateway.log")


def agent_settings(settings: SchedulerSettings) -> AgentSettings:
    """Give what an agent is started with."""
    return AgentSettings(
        pass_env=settings.pass_env,
        app_limits=AppLimits(
            download_bytes=int(settings.app_download_limit_bytes),
            extracted_bytes=int(settings.app_extracted_limit_bytes),
            file_count=settings.app_file_limit,
            download_seconds=settings.app_download_seconds,
            allowed_url_prefixes=settings.allowed_url_prefixes,
            cache_bytes=int(settings.app_cache_bytes),
            connect_seconds=settings.app_connect_seconds,
            idle_seconds=settings.app_idle_seconds,
            answer_wait_seconds=settings.app_answer_wait_seconds,
            extraction_seconds=settings.app_extraction_seconds,
            revalidate_seconds=settings.app_revalidate_seconds,
            revalidate_timeout_seconds=settings.app_revalidate_timeout_seconds,
            stale_seconds=settings.app_stale_seconds,
            max_concurrent_downloads=settings.app_downloads_at_once,
            max_downloads_per_url=settings.app_downloads_per_url,
            ca_file=settings.ca_file,
        ),
        output_limit_bytes=int(settings.output_limit_bytes),
        output_retention_seconds=settings.output_days * 86_400,
        output_total_bytes=int(settings.output_total_bytes),
        output_file_count=settings.output_file_count,
        output_sweep_seconds=settings.output_sweep_seconds,
        memory_check_seconds=settings.memory_check_seconds,
        memory_reserve_fraction=settings.memory_reserve_fraction,
        processes_at_once=settings.processes_at_once,
        fresh_processes_at_once=settings.fresh_processes_at_once,
        fresh_process_seconds=settings.fresh_process_seconds,
        executor_connect_seconds=settings.executor_connect_seconds,
        executor_line_limit_bytes=int(settings.executor_line_limit_bytes),
        executor_restart_seconds=settings.executor_restart_seconds,
        executor_restart_maximum_seconds=settings.executor_restart_maximum_seconds,
        executor_settled_seconds=settings.executor_settled_seconds,
        kill_grace_seconds=settings.kill_grace_seconds,
        executor_idle_seconds=settings.executor_idle_seconds,
        orphan_seconds=settings.orphan_seconds,
    )

"""What operators see of the core's state."""

from elasticjob_cloud.scheduling import Core
from elasticjob_cloud.service.port import AgentView


def agent_views(core: Core) -> list[AgentView]:
    """Give the agents that are there, by id."""
    views = []
    for agent_id, agent in sorted(core.state.agents.items()):
        used, disk = agent.used(), agent.info.fullest_disk
        views.append(
            AgentView(
                agent_id=agent_id,
                hostname=agent.info.hostname,
                ip=agent.info.ip,
                cpus_total=agent.info.cpus,
                cpus_used=used.milli_cpus / 1000,
                memory_mb_total=agent.info.memory_mb,
                memory_mb_used=used.memory_kib / 1024,
                executors=tuple(sorted(agent.executors)),
                task_count=len(agent.task_ids),
                last_seen_ms=agent.last_seen_ms,
                draining=agent.info.draining,
                disk_free_mb=None if disk is None else disk.free_mb,
                disk_total_mb=None if disk is None else disk.total_mb,
            )
        )
    return views

"""What running tasks takes, shared by scripts and executors."""

from collections.abc import Mapping
from dataclasses import dataclass

from elasticjob_cloud.agent.apps.port import AppSource
from elasticjob_cloud.agent.process.child import ProcessRoom
from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.agent.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class TaskRoom:
    """The agent, as those who run tasks see it."""

    settings: AgentSettings
    ledger: Ledger
    apps: AppSource
    outputs: OutputStore
    processes: ProcessRoom
    environment: Mapping[str, str]

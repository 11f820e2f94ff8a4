"""What running tasks takes, shared by scripts and executors."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from elasticjob_cloud.agent.apps.port import AppSource, Prepared
from elasticjob_cloud.agent.process.child import ProcessRuntime
from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import AppUnavailableError
from elasticjob_cloud.model.jobs.app import AppConfiguration

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TaskRuntime:
    """The agent, as those who run tasks see it."""

    settings: AgentSettings
    ledger: Ledger
    apps: AppSource
    outputs: OutputStore
    processes: ProcessRuntime
    environment: Mapping[str, str]

    async def prepare(self, app: AppConfiguration) -> Prepared:
        """Have an app's files on disk, until they are released.

        Raises:
            AppUnavailableError: that cannot be done, for whatever reason.
        """
        try:
            return await self.apps.prepare(app.app_name, app.app_url, cache=app.app_cache_enable)
        except AppUnavailableError:
            raise
        except Exception as error:
            # Contained: an unforeseen fault of one download must not stop the others.
            _log.exception("An app could not be prepared.", app=app.app_name)
            raise AppUnavailableError(f"The app could not be prepared: {error}") from error

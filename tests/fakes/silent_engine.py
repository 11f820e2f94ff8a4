"""The part of `engine/contract.py` that shows what tasks left behind, for engines whose tasks leave nothing."""

from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.lineage import Lineage
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply


class SilentEngine:
    """Its tasks print nothing and have no folders, and its agents are never lost by their silence."""

    lost_seconds = 0.0
    refusal: str | None = None
    cluster_id = ""

    def identify(self, lineage: Lineage, *, takes_over: bool) -> None:
        """Its agents obey whoever comes."""

    def renewed(self, renewals: int) -> None:
        """They are not told."""

    def lose_after(self, seconds: float) -> None:
        """Lose none."""

    def release(self, agent_id: str) -> None:
        """Never asked for where the setting is not on."""
        raise AssertionError(f"{agent_id} was let go of")

    async def ask_log(self, agent_id: str, question: LogQuestion) -> LogReply:
        """Find no output, whatever is asked for."""
        raise NotFoundError(question.task_id)

    async def sandboxes(self, app_name: str) -> list[Sandbox]:
        """Find no folders."""
        return []

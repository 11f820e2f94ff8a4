"""What it means that an agent refuses a scheduler, and what to do."""

from typing import Final

from elasticjob_cloud.agent.scheduler_link.frames import Refused

_RECONNECT_SECONDS: Final = 5.0
_TAKE_OVER: Final = (
    "To try a backup out, give this scheduler agents of its own: another data_dir, and with Ray another ray_namespace and "
    "agent_dir. If this database is to be used from now on, stop the other scheduler for good, and start this one once "
    "with --take-over-agents."
)
_MEANINGS: Final = {
    "newer": "An agent obeys a scheduler that took the lead after this one (epoch {epoch}).",
    "copy": (
        "This database is an older copy of the one that the agents know (epoch {epoch} there): it was restored from a "
        f"backup. {_TAKE_OVER}"
    ),
    "other": (
        "The agents know another database, or another copy of this one, and obey the scheduler there (epoch {epoch}). "
        f"{_TAKE_OVER}"
    ),
    "": (
        "An agent has obeyed a newer scheduler (epoch {epoch}). Stop that one. If the database was restored from a backup, "
        "give this scheduler agents of its own: another data_dir, and with Ray another ray_namespace and agent_dir."
    ),
}


def meaning_of(refused: Refused) -> str:
    """Say it to an operator."""
    return _MEANINGS[refused.reason].format(epoch=refused.epoch)


class Refusals:
    """What agents said in one term, where there are many, and what follows from it.

    One agent that another scheduler has caught must not end the term of the rightful leader, whom all others obey. So a
    refusal counts when none obeys for a while, or when it says that this record is a copy of one that went on.
    """

    def __init__(self) -> None:
        self.latest = ""  # what it means
        self._by_node: dict[str, Refused] = {}
        self._is_copy = False
        self._obeyed_at: float | None = None

    def note(self, node_id: str, refused: Refused) -> bool:
        """Take note of an agent's answer; tell whether it is news."""
        is_news = self._by_node.get(node_id) != refused
        self._by_node[node_id] = refused
        self.latest = meaning_of(refused)
        self._is_copy = self._is_copy or refused.reason == "copy"
        return is_news

    def judge(self, now: float, *, has_joined: bool) -> str | None:
        """Give what ends the term, if anything does."""
        if has_joined:
            self._obeyed_at = now
        if not self.latest:
            return None
        # One that obeyed until now may only be reconnecting.
        is_left = self._obeyed_at is None or now - self._obeyed_at > _RECONNECT_SECONDS
        return self.latest if self._is_copy or is_left else None

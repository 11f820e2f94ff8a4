"""Why the agents of nodes cannot be reached: for the messages of their tasks, should they be lost. Knows nothing of Ray."""

from collections import OrderedDict

import msgspec

from elasticjob_cloud.agent.reporting.ending import AGENT_STOPPED
from elasticjob_cloud.model.messages import Inventory

_NODES = 1_000


class Faults:
    """By node, since its agent was reached last: the first cause that is known and the last one, else the last symptom."""

    def __init__(self) -> None:
        self._causes: OrderedDict[str, list[str]] = OrderedDict()
        self._symptoms: OrderedDict[str, str] = OrderedDict()

    def note_cause(self, node_id: str, words: str) -> None:
        """Note what is surely in the way, such as the death of the relay or of the node."""
        causes = self._causes.setdefault(node_id, [])
        if words not in causes:
            causes[1:] = ()  # the first one began it
            causes.append(words)
        if len(self._causes) > _NODES:
            self._causes.popitem(last=False)

    def note_symptom(self, node_id: str, words: str) -> None:
        """Note what was seen of it, such as a connection that broke."""
        self._symptoms[node_id] = words
        if len(self._symptoms) > _NODES:
            self._symptoms.popitem(last=False)

    def of(self, node_id: str) -> str:
        """Say why the node's agent cannot be reached; nothing where nobody knows."""
        return " ".join(self._causes.get(node_id, ())) or self._symptoms.get(node_id, "")

    def forget(self, node_id: str) -> None:
        """The agent has been reached."""
        self._causes.pop(node_id, None)
        self._symptoms.pop(node_id, None)


def with_fault(inventory: Inventory, fault: str) -> Inventory:
    """Add what was in the way to what an agent says of tasks that it ended since it heard of no scheduler."""
    if not fault:
        return inventory
    tasks = tuple(
        msgspec.structs.replace(status, message=words_of(status.message, fault))
        if status.message.startswith(AGENT_STOPPED)
        else status
        for status in inventory.tasks
    )
    return msgspec.structs.replace(inventory, tasks=tasks)


def words_of(words: str, fault: str) -> str:
    """Say both."""
    return f"{words} {fault}".rstrip()

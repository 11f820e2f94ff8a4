"""Whether a node's agent is talked to, and the table of its legal transitions."""

from enum import Enum, auto
from typing import Final

from elasticjob_cloud.model.phases import PhaseMachine


class NodePhase(Enum):
    """What becomes of a node."""

    KEPT = auto()  # sessions to its agent are opened
    RELEASING = auto()  # its agent is asked to end, and what is leased of it is given back
    WANTED = auto()  # the same, but it is needed again as soon as that is over
    RELEASED = auto()  # it has no agent, and nothing of it is leased


TRANSITIONS: Final[dict[NodePhase, frozenset[NodePhase]]] = {
    NodePhase.KEPT: frozenset({NodePhase.RELEASING}),
    # Back to KEPT where its agent holds tasks, or cannot be asked.
    NodePhase.RELEASING: frozenset({NodePhase.RELEASED, NodePhase.KEPT, NodePhase.WANTED}),
    NodePhase.WANTED: frozenset({NodePhase.KEPT}),
    NodePhase.RELEASED: frozenset({NodePhase.KEPT}),
}


def new_phase() -> PhaseMachine[NodePhase]:
    """Give the phase of a node that was just found."""
    return PhaseMachine("node", NodePhase.KEPT, TRANSITIONS)

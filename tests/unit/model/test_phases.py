"""Tables of legal transitions: every cell of those of app executors and of nodes."""

from collections.abc import Mapping
from enum import Enum
from itertools import product

import pytest

from elasticjob_cloud.agent.executors.phase import TRANSITIONS as OF_EXECUTORS
from elasticjob_cloud.agent.executors.phase import ExecutorPhase
from elasticjob_cloud.engine.ray.nodes.phase import TRANSITIONS as OF_NODES
from elasticjob_cloud.engine.ray.nodes.phase import NodePhase
from elasticjob_cloud.model.phases import IllegalTransitionError, PhaseMachine

Table = Mapping[Enum, frozenset[Enum]]

_EXECUTORS = {
    "STOPPED": "STARTING",
    "STARTING": "READY STOPPING STOPPED",
    "READY": "STOPPING STOPPED",
    "STOPPING": "STOPPING STOPPED",
}
_NODES = {
    "KEPT": "RELEASING",
    "RELEASING": "KEPT RELEASED WANTED",
    "WANTED": "KEPT",
    "RELEASED": "KEPT",
}
_TABLES: list[tuple[Table, type[Enum], dict[str, str]]] = [
    (OF_EXECUTORS, ExecutorPhase, _EXECUTORS),  # type: ignore[list-item] # keys of a mapping are invariant
    (OF_NODES, NodePhase, _NODES),  # type: ignore[list-item] # as above
]
_CELLS = [
    (table, phase, following, following.name in legal[phase.name].split())
    for table, phases, legal in _TABLES
    for phase, following in product(phases, phases)
]


@pytest.mark.parametrize("table,phase,following,is_legal", _CELLS)
def test_only_a_legal_phase_follows(table: Table, phase: Enum, following: Enum, *, is_legal: bool) -> None:
    machine = PhaseMachine("thing", phase, table)
    if is_legal:
        machine.become(following)
        assert machine.current is following
    else:
        with pytest.raises(
            IllegalTransitionError, match=f"is {phase.name} and cannot become {following.name}"
        ):
            machine.become(following)
        assert machine.current is phase


@pytest.mark.parametrize("table,phases,legal", _TABLES)
def test_table_speaks_of_each_phase(table: Table, phases: type[Enum], legal: dict[str, str]) -> None:
    assert set(table) == set(phases)
    assert set(legal) == {phase.name for phase in phases}

"""The phases of an app's executor: every cell of their table."""

from itertools import product

import pytest

from elasticjob_cloud.agent.executors.phase import TRANSITIONS, ExecutorPhase, IllegalPhaseError, PhaseMachine

STOPPED, STARTING, READY, STOPPING = ExecutorPhase
LEGAL = {
    (STOPPED, STARTING),
    (STARTING, READY),
    (STARTING, STOPPING),
    (STARTING, STOPPED),
    (READY, STOPPING),
    (READY, STOPPED),
    (STOPPING, STOPPING),
    (STOPPING, STOPPED),
}
_WAY_TO = {STOPPED: [], STARTING: [STARTING], READY: [STARTING, READY], STOPPING: [STARTING, STOPPING]}


def machine_in(phase: ExecutorPhase) -> PhaseMachine:
    machine = PhaseMachine()
    for step in _WAY_TO[phase]:
        machine.become(step)
    assert machine.current is phase
    return machine


@pytest.mark.parametrize("phase,following", list(product(ExecutorPhase, ExecutorPhase)))
def test_only_legal_phases_follow(phase: ExecutorPhase, following: ExecutorPhase) -> None:
    machine = machine_in(phase)
    if (phase, following) in LEGAL:
        machine.become(following)
        assert machine.current is following
    else:
        with pytest.raises(IllegalPhaseError, match=f"is {phase.name} cannot become {following.name}"):
            machine.become(following)
        assert machine.current is phase


def test_table_speaks_of_each_phase() -> None:
    assert set(TRANSITIONS) == set(ExecutorPhase)

"""Fires and runs: every cell of their tables, and that an illegal step raises and changes nothing."""

from collections import deque
from itertools import product

import pytest

from elasticjob_cloud.model import fire as fires
from elasticjob_cloud.model.alerting.changes import AlertSnapshot
from elasticjob_cloud.model.fire import DropReason, FireSource, FireState
from elasticjob_cloud.model.phases import IllegalTransitionError
from elasticjob_cloud.model.records import FireRecord, Snapshot
from elasticjob_cloud.scheduling import CoreSettings, Now
from elasticjob_cloud.scheduling.alerts import AlertBook
from elasticjob_cloud.scheduling.commands import SetJobDisabled, TriggerJob
from elasticjob_cloud.scheduling.state import run as runs
from elasticjob_cloud.scheduling.state.run import Run, RunPhase
from elasticjob_cloud.scheduling.state.state import State
from elasticjob_cloud.scheduling.state.turn import Turn
from tests.unit.scheduling.core_driver import NOON_MS, CoreDriver, job, triggered

_LEGAL_OF_FIRES = {
    (FireState.WAITING, FireState.RUNNING),
    (FireState.WAITING, FireState.DROPPED),
    (FireState.RUNNING, FireState.RUNNING),
    (FireState.RUNNING, FireState.COMPLETED),
}
_LEGAL_OF_RUNS = {
    (RunPhase.RUNNING, RunPhase.STOPPING),
    (RunPhase.RUNNING, RunPhase.ENDED),
    (RunPhase.STOPPING, RunPhase.STOPPING),
    (RunPhase.STOPPING, RunPhase.ENDED),
}


def fire_of(state: FireState, reason: str = "") -> FireRecord:
    return FireRecord(7, "job", FireSource.TRIGGER, NOON_MS, state, NOON_MS, reason)


def turn_of(*known: FireRecord) -> Turn:
    state = State.of(Snapshot(fires=list(known), next_fire_id=8))
    return Turn(
        state, CoreSettings(), Now(NOON_MS, 0), lambda: "id", AlertBook(AlertSnapshot(), lambda: "id")
    )


def run_in(state: RunPhase) -> Run:
    run = Run(fire_of(FireState.RUNNING), job())
    run.phase = state
    return run


def test_the_tables_have_every_state() -> None:
    assert set(fires.TRANSITIONS) == set(FireState)
    assert set(runs.TRANSITIONS) == set(RunPhase)


@pytest.mark.parametrize("state,following", list(product(FireState, FireState)))
def test_a_fire_goes_only_where_the_table_allows(state: FireState, following: FireState) -> None:
    assert (following in fires.TRANSITIONS[state]) == ((state, following) in _LEGAL_OF_FIRES)


@pytest.mark.parametrize("state,following", list(product(RunPhase, RunPhase)))
def test_a_run_goes_only_where_the_table_allows(state: RunPhase, following: RunPhase) -> None:
    run = run_in(state)

    if (state, following) in _LEGAL_OF_RUNS:
        run.become(following)
        assert run.phase is following
    else:
        with pytest.raises(
            IllegalTransitionError, match=f"Run 7 of job 'job' is {state}, and cannot become {following}"
        ):
            run.become(following)
        assert run.phase is state


@pytest.mark.parametrize("state", [FireState.RUNNING, FireState.COMPLETED, FireState.DROPPED])
def test_only_a_waiting_fire_is_dropped(state: FireState) -> None:
    turn = turn_of()

    with pytest.raises(
        IllegalTransitionError, match=f"Fire 7 of job 'job' is {state}, and cannot become DROPPED"
    ):
        turn.fires.drop(fire_of(state), DropReason.DISABLED)

    assert not turn.decisions.changes
    assert not turn.decisions.dropped


def test_what_has_ended_never_starts() -> None:
    turn = turn_of()
    ended = fire_of(FireState.COMPLETED)
    turn._state.waiting["job"] = deque([ended])

    with pytest.raises(
        IllegalTransitionError, match="Fire 7 of job 'job' is COMPLETED, and cannot become RUNNING"
    ):
        turn.fires.start(job(), None)

    assert not turn.decisions.changes
    assert list(turn.state.waiting["job"]) == [ended]
    assert not turn.state.runs


def test_a_run_that_ended_is_not_stopped() -> None:
    turn = turn_of(fire_of(FireState.RUNNING))
    turn._state.runs["job"].phase = RunPhase.ENDED

    with pytest.raises(IllegalTransitionError, match="is ended, and cannot become stopping"):
        turn.fires.stop("job", "The job was disabled.")

    assert not turn.decisions.changes
    assert turn.state.runs["job"].fire.reason == ""


def test_a_run_that_is_being_stopped_is_so_for_a_new_leader_too() -> None:
    driver = triggered(job())
    states = [driver.core.state.runs["job"].phase]
    driver.ask(SetJobDisabled("job", disabled=True))
    states.append(driver.core.state.runs["job"].phase)
    driver.restart()
    states.append(driver.core.state.runs["job"].phase)

    assert states == [RunPhase.RUNNING, RunPhase.STOPPING, RunPhase.STOPPING]


def test_ready_is_the_oldest_fire_of_a_job_without_a_run() -> None:
    driver = CoreDriver(job(), job("free", cpu_count=100.0))
    driver.ask(TriggerJob("job"), TriggerJob("job"), TriggerJob("free"), TriggerJob("free"))

    ready = list(driver.core.state.ready_fires())

    assert driver.core.state.ready_fire("job") is None, "its earlier run has not ended"
    assert driver.core.state.ready_fire("none") is None
    assert ready == [driver.core.state.ready_fire("free")] == [driver.core.state.waiting["free"][0]]

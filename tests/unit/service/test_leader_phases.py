"""The phases of a leader: every cell of the table of transitions, and the page that draws it."""

from itertools import product

import pytest

from elasticjob_cloud.model.phases import IllegalTransitionError, PhaseMachine
from elasticjob_cloud.service.leadership.phases import CAUSES, TRANSITIONS, LeaderPhase
from scripts.draw_states import LEADER_PAGE, draw_leader, redraw_leader

_STANDBY, _TAKEOVER, _LEADING = LeaderPhase.STANDING_BY, LeaderPhase.TAKING_OVER, LeaderPhase.LEADING
_GIVING_UP, _STOPPED = LeaderPhase.GIVING_UP, LeaderPhase.STOPPED
_LEGAL = {
    (_STANDBY, _TAKEOVER),
    (_TAKEOVER, _TAKEOVER),
    (_TAKEOVER, _LEADING),
    (_LEADING, _TAKEOVER),
    (_TAKEOVER, _GIVING_UP),
    (_LEADING, _GIVING_UP),
    (_GIVING_UP, _STANDBY),
    *((phase, _STOPPED) for phase in (_STANDBY, _TAKEOVER, _LEADING, _GIVING_UP)),
}


@pytest.mark.parametrize("phase,following", list(product(LeaderPhase, LeaderPhase)))
def test_a_leader_goes_only_where_the_table_allows(phase: LeaderPhase, following: LeaderPhase) -> None:
    phases = PhaseMachine("leader", phase, TRANSITIONS)
    if (phase, following) in _LEGAL:
        phases.become(following)
        assert phases.current is following
    else:
        with pytest.raises(IllegalTransitionError):
            phases.become(following)
        assert phases.current is phase, "nothing changed"


def test_the_table_has_every_phase() -> None:
    assert set(TRANSITIONS) == set(CAUSES) == set(LeaderPhase)


@pytest.mark.parametrize("phase", LeaderPhase)
def test_a_leader_has_a_lease_from_the_take_over_until_it_gives_up(phase: LeaderPhase) -> None:
    assert phase.has_lease == (phase in {_TAKEOVER, _LEADING})


def test_the_page_draws_the_table_as_it_is() -> None:
    page = LEADER_PAGE.read_text(encoding="utf-8")

    assert redraw_leader(page) == page, "docs/architecture.md is stale: python scripts/draw_states.py"


def test_the_drawing_has_an_arrow_for_each_legal_transition() -> None:
    assert draw_leader().count("-->") == len(_LEGAL) + 2

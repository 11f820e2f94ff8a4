"""The phases of a leader: every cell of the table of transitions, and the page that draws it."""

from itertools import product

import pytest

from elasticjob_cloud.model.errors import BugError
from elasticjob_cloud.service.leadership.phases import TRANSITIONS, LeaderPhase, LeaderPhases
from scripts.draw_states import LEADER_PHASES

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
    phases = LeaderPhases(phase)
    if (phase, following) in _LEGAL:
        phases.enter(following)
        assert phases.present is following
    else:
        with pytest.raises(BugError, match=f"was {phase} was to be {following}"):
            phases.enter(following)
        assert phases.present is phase, "nothing changed"


def test_the_table_has_every_phase() -> None:
    assert set(TRANSITIONS) == set(LeaderPhase)


@pytest.mark.parametrize("phase", LeaderPhase)
def test_a_leader_has_a_lease_from_the_take_over_until_it_gives_up(phase: LeaderPhase) -> None:
    assert LeaderPhases(phase).has_lease == (phase in {_TAKEOVER, _LEADING})


def test_the_page_draws_the_table_as_it_is() -> None:
    page = LEADER_PHASES.page.read_text(encoding="utf-8")

    assert LEADER_PHASES.redraw(page) == page, "docs/architecture.md is stale: python scripts/draw_states.py"


def test_the_drawing_has_an_arrow_for_each_legal_transition() -> None:
    assert LEADER_PHASES.draw().count("-->") == len(_LEGAL) + 2

"""What follows from an agent's refusal, where there are many agents."""

from elasticjob_cloud.agent.scheduler_link.frames import Refused
from elasticjob_cloud.engine.refusals import Refusals, meaning_of


def test_one_agent_that_another_scheduler_caught_does_not_end_the_term_of_whom_others_obey() -> None:
    refusals = Refusals()
    assert refusals.judge(0, has_joined=True) is None
    assert refusals.note("node 1", Refused(7, "other"))
    assert not refusals.note("node 1", Refused(7, "other")), "it says so each time that it is greeted"
    assert refusals.judge(100, has_joined=True) is None


def test_term_ends_when_none_obeys_for_a_while_and_not_while_they_only_reconnect() -> None:
    refusals = Refusals()
    refusals.judge(0, has_joined=True)
    refusals.note("node 1", Refused(7, "other"))
    assert refusals.judge(4, has_joined=False) is None
    assert "another database" in str(refusals.judge(6, has_joined=False))


def test_term_in_which_none_has_obeyed_ends_at_the_first_refusal() -> None:
    refusals = Refusals()
    assert refusals.judge(0, has_joined=False) is None, "nobody has answered"
    refusals.note("node 1", Refused(7))
    assert "epoch 7" in str(refusals.judge(0, has_joined=False))


def test_term_on_a_copy_ends_at_once_whoever_obeys() -> None:
    refusals = Refusals()
    refusals.judge(0, has_joined=True)
    refusals.note("node 1", Refused(7, "copy"))
    refusals.note("node 2", Refused(7, "newer"))
    assert refusals.judge(0, has_joined=True) is not None


def test_each_refusal_that_may_be_a_restored_copys_says_how_to_go_on() -> None:
    for refused in (Refused(7, "copy"), Refused(7, "other")):
        assert "--take-over-agents" in meaning_of(refused)
    assert "--take-over-agents" not in meaning_of(Refused(7, "newer"))

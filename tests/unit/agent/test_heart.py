"""An agent's heartbeats and its fence (promise 5)."""

from pathlib import Path

import pytest

from elasticjob_cloud.agent.scheduler_link import directory as place_module
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.heart import Heart


def test_fence_counts_from_when_the_newest_seen_heartbeat_was_sent() -> None:
    heart = Heart(10_000, 0)
    first = heart.beat(1_000)
    heart.beat(3_000)
    heart.seen(first)
    assert not heart.is_fenced(10_999)
    assert heart.is_fenced(11_000)


def test_heartbeat_that_is_seen_late_does_not_shorten_the_fence() -> None:
    heart = Heart(10_000, 0)
    first, second = heart.beat(1_000), heart.beat(3_000)
    heart.seen(second)
    heart.seen(first)
    assert not heart.is_fenced(12_999)
    assert heart.is_fenced(13_000)


def test_number_that_was_never_sent_confirms_nothing() -> None:
    heart = Heart(10_000, 0)
    heart.beat(1_000)
    heart.seen(99)
    assert heart.is_fenced(10_000)


def test_fenced_agent_is_free_again_once_a_heartbeat_is_seen() -> None:
    heart = Heart(10_000, 0)
    assert heart.is_fenced(50_000)
    heart.seen(heart.beat(50_000))
    assert not heart.is_fenced(50_001)


def test_heartbeats_are_due_five_times_in_a_fence() -> None:
    heart = Heart(10_000, 0)
    assert heart.is_due(0)
    heart.beat(0)
    assert not heart.is_due(1_999)
    assert heart.is_due(2_000)


def test_heartbeat_that_is_seen_after_a_whole_fence_moves_nothing() -> None:
    heart = Heart(10_000, 0)
    first = heart.beat(0)
    for now_ms in range(2_000, 20_000, 2_000):
        heart.beat(now_ms)
    heart.seen(first)
    assert heart.is_fenced(10_000)


def test_unconfirmed_heartbeats_do_not_pile_up() -> None:
    heart = Heart(10_000, 0)
    numbers = [heart.beat(now_ms) for now_ms in range(0, 1_000_000, 2_000)]
    # What it has kept is what still counts: the newest five.
    assert len(heart._sent_ms) <= 6
    heart.seen(numbers[-1])
    assert not heart.is_fenced(1_000_000)


def test_lives_of_a_directory_are_known_to_the_next_latest_first(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path)
    assert place.note_life("a", since_start_only=True) == ()
    assert place.note_life("b", since_start_only=True) == ("a",)
    assert place.note_life("c", since_start_only=True) == ("b", "a")
    assert place.note_life("c", since_start_only=True) == ("b", "a")


def test_lives_on_another_machine_or_before_its_restart_are_not_vouched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = AgentDirectory(tmp_path)
    place.note_life("original", since_start_only=True)
    # A copy of the machine's disk has its directory; the original may run on.
    monkeypatch.setattr(place_module, "read_boot_id", lambda: "another")
    assert place.note_life("copy", since_start_only=True) == ()
    assert place.note_life("its-successor", since_start_only=True) == ("copy",)


def test_lives_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path)
    place.note_life("a", since_start_only=True)
    (tmp_path / "lives.json").write_bytes(b"[1,")
    assert place.note_life("b", since_start_only=True) == ()
    assert place.note_life("c", since_start_only=True) == ("b",)


def test_only_the_latest_hundred_lives_are_kept(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path)
    for number in range(150):
        place.note_life(str(number), since_start_only=True)
    former = place.note_life("last", since_start_only=True)
    assert len(former) == 100
    assert former[0] == "149"


def test_the_only_agent_of_a_scheduler_vouches_for_those_from_before_the_machine_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = AgentDirectory(tmp_path)
    place.note_life("a", since_start_only=False)
    monkeypatch.setattr("elasticjob_cloud.agent.scheduler_link.directory.read_boot_id", lambda: "the next")
    assert place.note_life("b", since_start_only=False) == ("a",)

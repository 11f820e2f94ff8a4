"""Reading the journal of a killed agent, and telling its processes from strangers with old numbers."""

import pytest

from elasticjob_cloud.agent.process.journal import Journal, JournalEntry, find_left_behind, parse_journal
from elasticjob_cloud.agent.process.table import ProcessRow

_JOURNAL = Journal("agent-1", 50, [JournalEntry(100, 1000, 1002)])


def row(
    pid: int, start: int, *, parent: int = 1, group: int = 0, session: int = 50, zombie: bool = False
) -> ProcessRow:
    return ProcessRow(pid, parent, group or pid, start, 0, zombie, session)


def found(*rows: ProcessRow, marked: tuple[int, ...] = ()) -> set[int]:
    environments = dict.fromkeys(marked, b"A=b\x00ELASTICJOB_AGENT_ID=agent-1\x00")
    return find_left_behind(_JOURNAL, {row.pid: row for row in rows}, lambda pid: environments.get(pid, b""))


def test_main_process_is_found_with_its_group_and_its_descendants() -> None:
    away = row(102, 1100, parent=101, group=102, session=102)
    assert found(row(100, 1001), row(101, 1050, group=100), away, row(200, 1001)) == {100, 101, 102}


def test_later_process_of_the_same_number_is_a_stranger_with_all_its_group() -> None:
    assert found(row(100, 5000), row(101, 5001, parent=100, group=100)) == set()


def test_group_without_its_leader_is_found_in_the_agents_session() -> None:
    assert found(row(101, 1050, group=100)) == {101}


@pytest.mark.parametrize("start,session", [(5000, 77), (900, 50)])
def test_group_of_an_old_number_in_another_session_or_of_an_earlier_time_is_a_strangers(
    start: int, session: int
) -> None:
    assert found(row(101, start, group=100, session=session)) == set()


def test_mark_in_the_environment_is_enough() -> None:
    assert found(row(300, 9000, session=300), row(301, 9000, parent=300), marked=(300,)) == {300, 301}


def test_zombies_are_left_to_their_parents() -> None:
    assert found(row(100, 1001, zombie=True)) == set()


def test_journal_gives_what_was_started_and_not_ended() -> None:
    content = b"agent agent-1 boot 50\n+ 1 10 11\n+ 2 12 13\n- 1\n+ 3 14 15\n- 9\n"
    assert parse_journal(content, "boot") == Journal(
        "agent-1", 50, [JournalEntry(2, 12, 13), JournalEntry(3, 14, 15)]
    )


@pytest.mark.parametrize("torn", [b"+ 3 14", b"+ 3", b"+", b"-", b"- x", b"\n", b"\xff\xfe 1"])
def test_torn_line_costs_itself_alone(torn: bytes) -> None:
    content = b"agent agent-1 boot 50\n+ 2 12 13\n" + torn + b"\n+ 4 16 17\n"
    journal = parse_journal(content, "boot")
    assert journal is not None
    assert [entry.pid for entry in journal.entries] == [2, 4]


@pytest.mark.parametrize("torn", [b"- 2", b"+ 3 14 15"])
def test_line_without_its_end_counts_for_nothing(torn: bytes) -> None:
    journal = parse_journal(b"agent agent-1 boot 50\n+ 2 12 13\n" + torn, "boot")
    assert journal is not None
    assert [entry.pid for entry in journal.entries] == [2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"agent",
        b"agent a other-boot 50\n+ 1 2 3\n",
        b"agent a boot x\n",
        b"something else entirely\n",
    ],
)
def test_what_is_no_journal_of_this_boot_names_nobody(content: bytes) -> None:
    assert parse_journal(content, "boot") is None

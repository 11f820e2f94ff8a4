"""Which record follows which: a next leader's, an earlier leader's, a copy's, a stranger's."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.scheduler_link.frames import Hello, Refused, encode_frame
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.agent.scheduler_link.obeyed_file import ObeyedFile
from elasticjob_cloud.model.lineage import Lineage, Term

FIRST = Term(1, "a", 7)
PRODUCTION = Lineage("database", (FIRST, Term(2, "b", 40)))
SUCCESSOR = Lineage("database", (FIRST, Term(2, "b", 41), Term(3, "c")))
COPY = Lineage("database", (FIRST, Term(2, "b", 39), Term(3, "d")))
COPY_OF_THE_TERM_BEFORE = Lineage("database", (Term(1, "a", 5), Term(2, "e"), Term(3, "f")))
STRANGER = Lineage("another", (Term(9, "z"),))


def obeying(lineage: Lineage) -> Obedience:
    obedience = Obedience()
    obedience.obey(Hello(lineage.latest.epoch, lineage))
    return obedience


def refusal(obedience: Obedience, lineage: Lineage, *, takes_over: bool = False) -> Refused | None:
    return obedience.refusal_of(Hello(lineage.latest.epoch, lineage, takes_over))


def test_an_agent_obeys_the_next_leader_and_refuses_the_one_before() -> None:
    obedience = obeying(PRODUCTION)
    assert refusal(obedience, SUCCESSOR) is None
    assert obedience.obey(Hello(3, SUCCESSOR)) == Refused(3, "newer")
    assert refusal(obedience, PRODUCTION) == Refused(3, "newer")


@pytest.mark.parametrize("copy", [COPY, COPY_OF_THE_TERM_BEFORE])
def test_an_agent_refuses_a_copy_whatever_its_epoch_until_that_takes_over(copy: Lineage) -> None:
    obedience = obeying(PRODUCTION)
    assert refusal(obedience, copy) == Refused(2, "copy")
    assert refusal(obedience, copy, takes_over=True) is None
    obedience.obey(Hello(3, copy, takes_over=True))
    assert refusal(obedience, PRODUCTION) == Refused(3, "other")
    assert refusal(obedience, SUCCESSOR) == Refused(3, "other")


def test_an_agent_refuses_a_copy_that_lacks_what_it_was_told_in_the_term() -> None:
    obedience = obeying(Lineage("database", (FIRST, Term(2, "b"))))
    assert refusal(obedience, COPY) is None, "until then nobody can tell"
    obedience.note_renewals(40)
    obedience.note_renewals(3)
    assert refusal(obedience, COPY) == Refused(2, "copy")
    obedience.obey(Hello(2, Lineage("database", (FIRST, Term(2, "b")))))  # it greets again, or joins again
    assert refusal(obedience, COPY) == Refused(2, "copy")
    assert refusal(obedience, SUCCESSOR) is None


def test_an_agent_refuses_the_scheduler_of_another_database_and_one_of_equal_epoch() -> None:
    obedience = obeying(PRODUCTION)
    assert refusal(obedience, STRANGER) == Refused(2, "other")
    assert refusal(obedience, Lineage("database", (FIRST, Term(2, "x")))) == Refused(2, "other")


def test_with_an_earlier_version_the_epoch_alone_counts() -> None:
    obedience = obeying(PRODUCTION)
    assert obedience.refusal_of(Hello(2)) == Refused(2), "an equal epoch is another's"
    assert obedience.refusal_of(Hello(3)) is None
    obedience.obey(Hello(3))
    assert obedience.refusal_of(Hello(3)) is None, "it joins again"
    assert refusal(obedience, PRODUCTION) == Refused(3), "it was deposed"
    assert refusal(obedience, SUCCESSOR) is None, "whoever shows the record needs no number"
    assert refusal(obedience, Lineage("database", (*SUCCESSOR.terms, Term(4, "g")))) is None


def test_each_side_reads_what_an_earlier_version_says_and_says_what_that_one_reads() -> None:
    class OldHello(msgspec.Struct, frozen=True, tag="hello"):
        epoch: int

    class OldRefused(msgspec.Struct, frozen=True, tag="refused"):
        epoch: int

    old_hello: msgspec.msgpack.Decoder[OldHello] = msgspec.msgpack.Decoder(OldHello)
    old_refused: msgspec.msgpack.Decoder[OldRefused] = msgspec.msgpack.Decoder(OldRefused)
    assert old_hello.decode(encode_frame(Hello(3, SUCCESSOR))) == OldHello(3)
    assert old_refused.decode(encode_frame(Refused(3, "copy"))) == OldRefused(3)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(OldHello(3)), type=Hello) == Hello(3)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.data())
def test_of_two_records_that_parted_exactly_one_is_the_copy(ends: list[int], data: st.DataObject) -> None:
    terms = tuple(Term(number, f"t{number}", end) for number, end in enumerate(ends))
    parted = data.draw(st.integers(0, len(terms) - 1))
    lacks = data.draw(st.integers(1, 5))
    shared = msgspec.structs.replace(terms[parted], renewals=terms[parted].renewals + lacks)
    original = Lineage("d", (*terms[:parted], shared, *terms[parted + 1 :]))
    copy = Lineage("d", (*terms[: parted + 1], Term(parted + 1, "copy")))
    assert not copy.follows(original)
    assert not original.follows(copy)
    assert copy.is_copy_beside(original)
    assert not original.is_copy_beside(copy)


def test_successor_of_an_agent_obeys_whom_it_obeyed_a_moment_ago(tmp_path: Path) -> None:
    path = tmp_path / "obeyed.json"
    hello = Hello(2, PRODUCTION)
    ObeyedFile(path).keep_at_once(hello, 1_000)
    assert ObeyedFile(path).read(20_000) == hello
    assert ObeyedFile(path).read(40_000) is None, "whoever it was is gone"
    assert ObeyedFile(path).read(500) is None, "another life of the machine"
    path.write_text("{broken")
    assert ObeyedFile(path).read(20_000) is None


def test_what_is_left_to_a_successor_is_renewed_now_and_then_and_only_of_this_version(tmp_path: Path) -> None:
    file = ObeyedFile(tmp_path / "obeyed.json")
    file.keep(Hello(7), 1_000)
    assert file.read(1_000) is None
    file.keep(Hello(2, PRODUCTION), 1_000)
    file.keep(Hello(3, SUCCESSOR), 2_000)
    assert file.read(2_000) == Hello(2, PRODUCTION)
    file.keep(Hello(3, SUCCESSOR), 6_000)
    assert file.read(6_000) == Hello(3, SUCCESSOR)


def test_sealed_records_are_compared_alike_and_show_no_secret() -> None:
    records = (PRODUCTION, SUCCESSOR, COPY, COPY_OF_THE_TERM_BEFORE, STRANGER)
    for one in records:
        for other in records:
            assert one.sealed().follows(other.sealed()) is one.follows(other)
            assert one.sealed().is_copy_beside(other.sealed()) is one.is_copy_beside(other)
        assert [(term.epoch, term.renewals) for term in one.sealed().terms] == [
            (term.epoch, term.renewals) for term in one.terms
        ]
    secrets = {"database", "a", "b"}
    sealed = PRODUCTION.sealed()
    assert secrets.isdisjoint({sealed.database_id, *(term.token for term in sealed.terms)})
    assert not sealed.follows(PRODUCTION), "nobody can show it as his own"

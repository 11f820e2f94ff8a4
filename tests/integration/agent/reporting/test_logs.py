"""What an agent answers about output: the last lines, both streams as one, searches, and streams that begin again."""

import os
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.reporting.logs.answers import LogAnswers
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.model.errors import InvalidRequestError, NotFoundError
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.output.output_file import OutputFile
from elasticjob_cloud.model.queries.logs import LogHits, LogPieces, LogRead, LogReadBoth, LogSearch

LIMIT = 10 << 20


class Kept:
    """The output of one task, which its writer may still add to."""

    def __init__(self, directory: Path, limit_bytes: int = LIMIT) -> None:
        self.store = OutputStore(directory, limit_bytes)
        self.base = self.store.base_path("t")
        self.stdout, self.stderr = self.store.streams_of("t")
        self.ended = False
        self.now = 0.0

    def write(self, lines: str) -> None:
        """Write words: those that begin with `!` to stderr, each a line but for those that end with `+`."""
        for word in lines.split():
            output = self.stderr if word.startswith("!") else self.stdout
            output.write(word.removesuffix("+").encode() + (b"" if word.endswith("+") else b"\n"))

    def answers(self) -> LogAnswers:
        return LogAnswers(self.store, lambda: self.now)

    def read(self, offset: int = 0, limit: int = 1000, *, tail: int = 0, generation: str = "") -> LogChunk:
        question = LogRead("t", "stdout", offset, limit, tail, generation)
        return self.answers().read(question, known=True, ended=self.ended)

    def both(
        self, at: tuple[int, int] = (0, 0), limit: int = 1000, *, tail: int = 0, generation: str = ""
    ) -> LogPieces:
        question = LogReadBoth("t", *at, limit, tail, generation)
        reply = self.answers().answer(question, known=True, ended=self.ended)
        assert isinstance(reply, LogPieces)
        return reply

    def search(
        self,
        text: str,
        *,
        is_regex: bool = False,
        stream: str = "both",
        offset: int = 0,
        limit: int = 100,
    ) -> LogHits:
        question = LogSearch("t", stream, offset, text, is_regex, limit)
        reply = self.answers().answer(question, known=True, ended=self.ended)
        assert isinstance(reply, LogHits)
        return reply

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "output")


def text_of(reply: LogPieces) -> str:
    return b"".join(piece.content for piece in reply.pieces).decode().replace("\n", " ").strip()


def test_tail_gives_the_last_lines_and_where_they_begin(kept: Kept) -> None:
    kept.write("one two three four")
    chunk = kept.read(tail=2)
    assert (chunk.content, chunk.offset, chunk.missing, chunk.size) == (b"three\nfour\n", 8, 0, 19)
    assert kept.read(tail=100).content == b"one\ntwo\nthree\nfour\n"
    kept.write("half+")
    assert kept.read(tail=2).content == b"four\nhalf"


def test_tail_is_found_at_once_in_a_gigabyte(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 4 << 30)
    path = f"{kept.base}.stdout"
    Path(path).touch()
    os.truncate(path, 1 << 30)  # a gigabyte of zeros, which takes no room
    with Path(path).open("ab") as file:
        file.write(b"\nlast\nwords\n")
    began = time.process_time()
    assert kept.read(tail=2, limit=1 << 20).content == b"last\nwords\n"
    assert time.process_time() - began < 0.5


def test_tail_of_a_line_longer_than_the_limit_is_its_end(kept: Kept) -> None:
    kept.stdout.write(b"first\n" + "中".encode() * (5 << 20 >> 2))
    chunk = kept.read(tail=1, limit=64 * 1024)
    assert len(chunk.content) >= 64 * 1024 - 3
    assert set(chunk.content.decode()) == {"中"}
    kept.stdout.write(b"\nend\n")
    assert kept.read(tail=2, limit=64 * 1024).content == b"end\n"


def test_tail_counts_no_lines_before_missing_bytes(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 1000)
    for number in range(1000):
        kept.stdout.write(b"line %04d\n" % number)
    chunk = kept.read(tail=10_000, limit=10_000)
    lines = chunk.content.splitlines()
    assert lines[-1] == b"line 0999"
    assert [int(line[5:]) for line in lines] == list(range(1000 - len(lines), 1000))
    assert chunk.missing == 0


def test_both_streams_come_in_the_order_in_which_they_were_written(kept: Kept) -> None:
    kept.write("a b !c d !e !f g")
    assert text_of(kept.both()) == "a b !c d !e !f g"
    assert [piece.stream for piece in kept.both().pieces] == ["stdout", "stderr"] * 2 + ["stdout"]


def test_stream_that_was_first_is_shown_first(kept: Kept) -> None:
    kept.write("!a b")
    assert text_of(kept.both()) == "!a b"


def test_line_that_is_not_ended_waits_and_holds_nothing_up(kept: Kept) -> None:
    kept.write("a half+ !c")
    reply = kept.both()
    assert text_of(reply) == "a !c"
    kept.write("ended d")
    more = kept.both((reply.next_offset, reply.next_stderr_offset))
    assert text_of(more) == "halfended d"
    kept.write("!last+")
    kept.ended = True
    last = kept.both((more.next_offset, more.next_stderr_offset))
    assert (text_of(last), last.ended) == ("!last", True)


def test_streams_without_a_known_order_are_shown_whole(kept: Kept) -> None:
    """As an executor in another language leaves them."""
    OutputFile(f"{kept.base}.stderr", LIMIT).write(b"!a\n")
    OutputFile(f"{kept.base}.stdout", LIMIT).write(b"b\n")
    assert text_of(kept.both()) == "b !a"


WORDS = st.lists(st.sampled_from(["a", "!b", "c+", "!d+", "eeeeeeee", "!ffffff"]), max_size=60)


@given(st.lists(WORDS, min_size=1, max_size=6), st.integers(5, 40))
def test_reader_that_follows_both_has_every_line_once_and_in_order(
    rounds: list[list[str]], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        kept = Kept(Path(directory))
        at, seen, generation = (0, 0), list[tuple[str, bytes]](), ""
        for number in range(len(rounds) + 1):
            if number < len(rounds):
                kept.write(" ".join(rounds[number]))
            kept.ended = number == len(rounds)
            while True:
                reply = kept.both(at, limit, generation=generation)
                generation = reply.generation
                seen += [(piece.stream, piece.content) for piece in reply.pieces]
                if at == (reply.next_offset, reply.next_stderr_offset):
                    break
                at = (reply.next_offset, reply.next_stderr_offset)
        kept.close()
        for stream in ("stdout", "stderr"):
            path = Path(f"{kept.base}.{stream}")
            written = path.read_bytes() if path.exists() else b""
            assert b"".join(content for name, content in seen if name == stream) == written
        assert ended_lines(seen) == expected_lines([word for words in rounds for word in words])


def ended_lines(seen: list[tuple[str, bytes]]) -> list[bytes]:
    halves, lines = {"stdout": b"", "stderr": b""}, list[bytes]()
    for stream, content in seen:
        *ended, halves[stream] = (halves[stream] + content).split(b"\n")
        lines += ended
    return lines


def expected_lines(words: list[str]) -> list[bytes]:
    written = [("stderr" if word.startswith("!") else "stdout", word) for word in words]
    return ended_lines(
        [
            (stream, word.removesuffix("+").encode() + (b"" if word.endswith("+") else b"\n"))
            for stream, word in written
        ]
    )


def test_tail_of_both_is_of_the_lines_as_they_came(kept: Kept) -> None:
    kept.write("a !b c !d e !f !g")
    assert text_of(kept.both(tail=3)) == "e !f !g"
    reply = kept.both(tail=3)
    kept.write("h !i")
    assert text_of(kept.both((reply.next_offset, reply.next_stderr_offset))) == "h !i"


def test_long_output_has_its_order_and_says_what_is_missing(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 2000)
    for number in range(500):
        kept.write(f"out{number:05} !err{number:05}")
    seen, at, missing = "", (0, 0), 0
    while True:
        reply = kept.both(at, 300)
        missing += sum(piece.missing for piece in reply.pieces)
        if at == (reply.next_offset, reply.next_stderr_offset):
            break
        seen += text_of(reply) + " "
        at = (reply.next_offset, reply.next_stderr_offset)
    words = seen.split()
    assert words[:4] == ["out00000", "!err00000", "out00001", "!err00001"]
    assert words[-2:] == ["out00499", "!err00499"]
    assert missing > 0
    assert reply.truncated


def test_line_that_two_files_share_is_one(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 100)  # 50 bytes, and then the next file
    kept.stdout.write(b"a" * 40 + b"\n" + b"b" * 20 + b"\n")
    kept.write("!c")
    assert kept.read().content == b"a" * 40 + b"\n" + b"b" * 9
    assert [piece.content for piece in kept.both().pieces] == [
        b"a" * 40 + b"\n" + b"b" * 20 + b"\n",
        b"!c\n",
    ]
    assert kept.read(tail=1).content == b"b" * 20 + b"\n"


def test_order_of_very_many_turns_keeps_the_newest(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output")
    for number in range(10_000):
        kept.write(f"o{number} !e{number}")
    order = Path(f"{kept.base}.order")
    assert order.stat().st_size <= 256 * 1024
    assert text_of(kept.both(tail=4)) == "o9998 !e9998 o9999 !e9999"


def test_task_with_one_stream_has_no_order_file(kept: Kept) -> None:
    kept.write("a b c")
    kept.close()
    assert [path.name for path in Path(kept.base).parent.iterdir()] == ["t.stdout"]


def test_order_goes_with_the_output_of_its_task(kept: Kept) -> None:
    kept.write("a !b c")
    kept.close()
    kept.store.enforce_retention(-1.0, 0, 0, frozenset())
    assert list(Path(kept.base).parent.iterdir()) == []


def test_agent_s_own_note_comes_last(kept: Kept) -> None:
    kept.write("!a b")
    kept.store.add_note("t", "!note\n")
    assert text_of(kept.both()) == "!a b !note"


def test_generation_stays_while_the_stream_goes_on_and_over_its_rotation(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 2000)
    offset, generation, lines = 0, "", 0
    for number in range(1000):
        kept.write(f"line{number:05}")
        chunk = kept.read(offset, generation=generation)
        assert chunk.content == b"line%05d\n" % number
        lines += 1
        assert generation in ("", chunk.generation)
        offset, generation = chunk.offset + len(chunk.content), chunk.generation
    assert lines == 1000


@pytest.mark.parametrize("emptied", [True, False])
def test_reader_of_a_stream_that_began_again_has_all_of_it(kept: Kept, *, emptied: bool) -> None:
    kept.write("one two three")
    first = kept.read()
    path = Path(f"{kept.base}.stdout")
    if emptied:
        os.truncate(path, 0)
    else:
        path.unlink()
    kept.stdout, _ = kept.store.streams_of("t")  # as each execution of a daemon script does
    kept.write("four five six seven")
    again = kept.read(first.size, generation=first.generation)
    assert (again.offset, again.content) == (0, b"four\nfive\nsix\nseven\n")
    assert again.generation != first.generation
    assert kept.read(again.size, generation=again.generation).content == b""


def test_both_streams_begin_again_each_for_itself(kept: Kept) -> None:
    kept.write("one !two")
    first = kept.both()
    os.truncate(f"{kept.base}.stdout", 0)
    kept.write("three !four")
    again = kept.both((first.next_offset, first.next_stderr_offset), generation=first.generation)
    assert sorted(text_of(again).split()) == ["!four", "three"]
    assert again.generation != first.generation


def test_stream_that_is_gone_is_another_generation(kept: Kept) -> None:
    kept.write("one")
    first = kept.read()
    Path(f"{kept.base}.stdout").unlink()
    gone = kept.read(first.size, generation=first.generation)
    assert (gone.offset, gone.content, gone.generation) == (0, b"", "")


def test_search_finds_lines_with_their_offsets_in_both_streams(kept: Kept) -> None:
    kept.write("apple banana !cherry grape !grape")
    reply = kept.search("grape")
    found = [(hit.stream, hit.offset, hit.match_offset, hit.line) for hit in reply.hits]
    assert found == [("stdout", 13, 13, b"grape"), ("stderr", 8, 9, b"!grape")]
    assert (reply.next_stream, reply.searched_bytes) == ("", 19 + 15)
    assert [hit.line for hit in kept.search("an", stream="stdout").hits] == [b"banana"]
    assert kept.search("cherry", stream="stdout").hits == ()


def test_search_by_regular_expression_is_of_lines(kept: Kept) -> None:
    kept.write("foo1 bar foo22 中文5")
    assert [hit.line for hit in kept.search(r"^foo\d+$", is_regex=True).hits] == [b"foo1", b"foo22"]
    assert [hit.line.decode() for hit in kept.search(r"文\d", is_regex=True).hits] == ["中文5"]
    assert kept.search(r"foo1\sbar", is_regex=True).hits == ()


@pytest.mark.parametrize("pattern", ["(", "((((a{1000}){1000}){1000}){1000})", r"(x.{0,300}){2}y", "(?=a)"])
def test_pattern_that_is_wrong_or_too_large_is_refused(kept: Kept, pattern: str) -> None:
    with pytest.raises(InvalidRequestError, match="regular expression"):
        kept.search(pattern, is_regex=True)


def test_search_goes_on_where_it_stopped(kept: Kept) -> None:
    for number in range(300):
        kept.stdout.write(b"hit %d\n" % number)
    kept.write("!hit")
    lines, stream, offset = list[bytes](), "both", 0
    while True:
        reply = kept.search("hit", stream=stream, offset=offset, limit=7)
        assert len(reply.hits) <= 7
        lines += [hit.line for hit in reply.hits]
        if not reply.next_stream:
            break
        stream = "both" if reply.next_stream == "stdout" else "stderr"
        offset = reply.next_offset
    assert lines == [b"hit %d" % number for number in range(300)] + [b"!hit"]


def test_search_ends_with_its_time_and_says_what_was_searched(kept: Kept) -> None:
    kept.stdout.write(b"nothing here\n" * 100_000 + b"needle\n")
    kept.now = 10.0

    def read_clock() -> float:
        kept.now += 1.0
        return kept.now

    answers = LogAnswers(kept.store, read_clock)
    offset, calls, searched, found = 0, 0, 0, list[bytes]()
    while True:
        question = LogSearch("t", "stdout", offset, "needle", is_regex=True, limit=10)
        reply = answers.answer(question, known=True, ended=True)
        assert isinstance(reply, LogHits)
        calls, searched = calls + 1, searched + reply.searched_bytes
        found += [hit.line for hit in reply.hits]
        if not reply.next_stream:
            break
        assert reply.next_offset > offset
        offset = reply.next_offset
    assert (found, searched) == ([b"needle"], 1_300_007)
    assert calls > 5


def test_line_of_five_megabytes_is_searched_whole_and_shown_in_part(kept: Kept) -> None:
    kept.stdout.write(b"before\n")
    kept.stdout.write(b"x" * ((256 << 10) - 3) + b"needle" + b"y" * (4 << 20) + b"thread\n")
    kept.stdout.write(b"after needle\n")
    end = 7 + (256 << 10) - 3 + 6 + (4 << 20) + 7
    reply = kept.search("needle")
    assert [(hit.offset, hit.match_offset) for hit in reply.hits] == [
        (7, 7 + (256 << 10) - 3),
        (end, end + 6),
    ]
    assert reply.hits[0].is_excerpt
    assert len(reply.hits[0].line) <= 2000
    assert b"needle" in reply.hits[0].line
    assert not reply.hits[1].is_excerpt
    assert [hit.offset for hit in kept.search("thread").hits] == [7]


@pytest.mark.slow
def test_search_of_hundreds_of_megabytes_leaves_other_threads_their_turns(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "output", 4 << 30)
    path = f"{kept.base}.stdout"
    Path(path).touch()
    os.truncate(path, 1 << 30)
    beats, over = 0, threading.Event()

    def beat() -> None:
        nonlocal beats
        while not over.wait(0.001):
            beats += 1

    other = threading.Thread(target=beat)
    other.start()
    try:
        reply = LogAnswers(kept.store).answer(
            LogSearch("t", "stdout", 0, "(a|aa)+$", is_regex=True, limit=1), known=True, ended=True
        )
    finally:
        over.set()
        other.join()
    assert isinstance(reply, LogHits)
    assert reply.searched_bytes > 1 << 20
    assert beats > 20


def test_output_that_is_not_kept_is_not_found(tmp_path: Path) -> None:
    answers = LogAnswers(OutputStore(tmp_path / "output"))
    for question in (
        LogRead("none", "stdout", 0, 10, tail=5),
        LogReadBoth("none", 0, 0, 10),
        LogSearch("none", "both", 0, "x", is_regex=False, limit=1),
    ):
        with pytest.raises(NotFoundError):
            answers.answer(question, known=False, ended=True)
        answers.answer(question, known=True, ended=False)

"""A stream on disk: its first part, its last part, and offsets that only rise."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.output.kept_output import HEADER, KeptOutput, KeptPart, kept_end, read_kept

_LIMIT = 1000


def read_all(path: str, limit: int = 1 << 20) -> list[KeptPart]:
    parts: list[KeptPart] = []
    offset = 0
    while (part := read_kept(path, offset, limit)).content:
        assert part.offset >= offset
        parts.append(part)
        offset = part.offset + len(part.content)
    return parts


@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=40),
    st.sets(st.integers(0, 40)),
    st.integers(1, 600),
)
def test_every_byte_that_is_kept_is_found_at_its_own_offset(
    sizes: list[int], restarts: set[int], limit: int
) -> None:
    """Other processes go on with the stream in between, as each execution of a daemon script does."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/t.stdout"
        printed = b""
        output = KeptOutput(path, _LIMIT)
        for number, size in enumerate(sizes):
            if number in restarts:
                output.close()
                output = KeptOutput(path, _LIMIT)
            data = b"".join(b"%07d\n" % (len(printed) + at) for at in range(0, size, 8))[:size]
            printed += data
            output.write(data)
            end = len(printed)
            assert read_kept(path, end, 10)[:3] == (end, b"", end)
            assert read_kept(path, end - 1, 100).content == printed[-1:]
        output.close()
        parts = read_all(path, limit)
        for part in parts:
            assert part.content == printed[part.offset : part.offset + len(part.content)]
        assert parts[0].offset == 0
        assert sum(file.stat().st_size for file in Path(directory).iterdir()) <= _LIMIT
        kept = sum(len(part.content) for part in parts)
        assert {part.truncated for part in parts} == {kept < len(printed)}
        assert kept == len(printed) or kept >= _LIMIT // 2 + 100


def test_part_ends_where_bytes_are_missing_and_says_so(tmp_path: Path) -> None:
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    for number in range(100):
        output.write(b"%099d\n" % number)
    head = read_kept(path, 450, 1 << 20)
    assert (head.content[-1:], head.cut, head.offset + len(head.content)) == (b"\n", True, 500)
    tail = read_kept(path, 500, 1 << 20)
    assert (tail.offset > 500, tail.cut, tail.size) == (True, False, 10_000)
    last = read_all(path)[-1]
    assert last.content.endswith(b"%099d\n" % 99)


def test_lost_bytes_count_as_missing_and_the_rest_goes_on(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full: run it on Linux")
    path = f"{tmp_path}/t.stdout"
    (tmp_path / "t.stdout").symlink_to("/dev/full")
    output = KeptOutput(path, _LIMIT)
    with pytest.raises(OSError, match="No space"):
        output.write(b"hello")
    (tmp_path / "t.stdout").unlink()
    output.write(b"again")
    assert read_kept(path, 0, 100) == (5, b"again", 10, True, False)


def test_descriptor_that_job_code_closed_costs_no_output_and_hits_no_other_file(tmp_path: Path) -> None:
    """`os.closerange(3, 256)` is what programs do that become daemons."""
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    output.write(b"one\n")
    closed = output._descriptor
    with (tmp_path / "other").open("wb") as other:
        os.dup2(other.fileno(), closed)  # the number is the other file's now
        output.write(b"two\n")
        os.close(output._descriptor)
        output.close()
        os.close(closed)
    assert (tmp_path / "other").read_bytes() == b""
    assert read_all(path)[0].content == b"one\ntwo\n"


def test_file_is_opened_again_by_the_number_that_job_code_closed(tmp_path: Path) -> None:
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    for shares in (False, True):
        output.write(b"before\n")
        if shares:
            output.share()
        os.close(output._descriptor)
        output.write(b"after\n")
    output.close()
    assert read_all(path)[0].content == b"before\nafter\n" * 2


@pytest.mark.parametrize("content", [b"", b"[from byte", HEADER.replace(b"%020d", b"x" * 20) + b"hello"])
def test_file_that_is_no_tail_is_none(tmp_path: Path, content: bytes) -> None:
    path = f"{tmp_path}/t.stdout"
    (tmp_path / "t.stdout").write_bytes(b"x" * 600)
    (tmp_path / "t.stdout.tail").write_bytes(content)
    assert read_kept(path, 0, 1000) == (0, b"x" * 600, 600, False, False)
    output = KeptOutput(path, _LIMIT)
    output.write(b"next\n")
    assert read_kept(path, 600, 1000) == (600, b"next\n", 605, False, False)


def test_stream_that_nobody_wrote_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_kept(f"{tmp_path}/t.stdout", 0, 100)


def size_on_disk(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir())


def test_what_others_write_beyond_the_limit_is_moved_to_the_last_part(tmp_path: Path) -> None:
    """`subprocess.run(..., stdout=sys.stdout)` writes to the file itself, and knows of no limit."""
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    output.write(b"first\n")
    descriptor = output.share()
    for number in range(30):
        os.write(descriptor, b"%099d\n" % number * 7)
        output.collect()
        assert size_on_disk(tmp_path) <= _LIMIT
        output.write(b"own %03d\n" % number)
    os.write(descriptor, b"last words\n")
    output.close()
    assert size_on_disk(tmp_path) <= _LIMIT
    parts = read_all(path)
    assert parts[0].content.startswith(b"first\n")
    assert parts[-1].content.endswith(b"own 029\nlast words\n")
    assert parts[-1].size == 6 + 30 * 708 + 11


def test_number_that_others_have_stays_the_file_s_when_the_stream_goes_on_elsewhere(tmp_path: Path) -> None:
    """Job code keeps `sys.stdout.fileno()`: closed, the number would be the next file's that anybody opens."""
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    descriptor = output.share()
    for number in range(50):
        output.write(b"%099d\n" % number)
    assert output.share() == descriptor
    os.write(descriptor, b"late\n")
    output.collect()
    assert read_all(path)[-1].content.endswith(b"%099d\nlate\n" % 49)
    output.close()
    with pytest.raises(OSError, match="Bad file"):
        os.write(descriptor, b"too late\n")


def test_shared_file_that_nobody_wrote_to_is_none(tmp_path: Path) -> None:
    output = KeptOutput(f"{tmp_path}/t.stdout", _LIMIT)
    output.share()
    output.close()
    assert list(tmp_path.iterdir()) == []


def test_processes_that_share_a_stream_go_on_with_each_other_s_files(tmp_path: Path) -> None:
    path = f"{tmp_path}/t.stdout"
    parent, child = KeptOutput(path, _LIMIT), KeptOutput(path, _LIMIT)
    for number in range(200):
        (parent if number % 3 else child).write(b"%049d\n" % number)
        lines = b"".join(part.content for part in read_all(path)).splitlines()
        assert [int(line) for line in lines[-2:]] == list(range(number + 1))[-2:]
    parent.close()
    child.close()
    assert read_all(path)[-1].size == 200 * 50
    assert size_on_disk(tmp_path) <= _LIMIT


def test_file_that_is_renamed_while_it_is_read_counts_once(tmp_path: Path) -> None:
    """The newest is opened first: then the same file is found again under its next name."""
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    output.write(b"%0600d" % 7)
    output.close()
    before = read_all(path)
    os.link(f"{path}.tail", f"{path}.tail.1")

    assert read_all(path) == before
    assert b"".join(part.content for part in before) == b"%0600d" % 7


def test_file_that_is_replaced_twice_while_it_is_read_mixes_no_order(tmp_path: Path) -> None:
    """Then what is found under its next name is newer than what was opened before."""
    path = tmp_path / "t.stdout"
    path.write_bytes(b"a" * 500)
    Path(f"{path}.tail").write_bytes(HEADER % 500 + b"b" * 100)
    Path(f"{path}.tail.1").write_bytes(HEADER % 600 + b"c" * 100)

    parts = read_all(str(path))
    assert [(part.offset, part.content[:1], part.size) for part in parts] == [
        (0, b"a", 600),
        (500, b"b", 600),
    ]
    assert not any(part.truncated for part in parts), "the next look finds the rest"


def test_piece_that_could_not_be_written_counts_as_missing_and_later_ones_are_kept(tmp_path: Path) -> None:
    path = f"{tmp_path}/t.stdout"
    output = KeptOutput(path, _LIMIT)
    output.write(b"a" * 600)
    obstacle = tmp_path / "t.stdout.tail.1"
    obstacle.mkdir()
    with pytest.raises(IsADirectoryError):
        output.write(b"b" * 200)
    assert not Path(f"{path}.tail.new").exists()
    obstacle.rmdir()
    assert read_all(path)[-1].size == 600

    output.write(b"c" * 50)

    kept = read_kept(path, 600, _LIMIT)
    assert (kept.offset, kept.content, kept.size, kept.truncated) == (800, b"c" * 50, 850, True)
    output.close()


def test_end_of_a_stream_is_known_without_its_writer(tmp_path: Path) -> None:
    path = f"{tmp_path}/t.stdout"
    assert kept_end(path) == 0
    output = KeptOutput(path, _LIMIT)
    assert output.end() == 0
    output.write(b"x" * 5_000)
    assert output.end() == kept_end(path) == 5_000
    output.close()
    assert output.end() == kept_end(path) == 5_000
    assert KeptOutput(path, _LIMIT).end() == 5_000, "a writer that goes on"

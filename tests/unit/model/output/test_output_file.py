"""The rule for output files: what cannot be written is lost, and nothing fails for it."""

import os
from pathlib import Path

import pytest

from elasticjob_cloud.model.output.kept_output import read_kept
from elasticjob_cloud.model.output.output_file import OutputFile, stream_path

_LIMIT = 1 << 16


def read(path: str) -> bytes:
    return read_kept(path, 0, _LIMIT).content


def test_first_byte_makes_the_file(tmp_path: Path) -> None:
    path = stream_path(f"{tmp_path}/t", "stdout")
    file = OutputFile(path, _LIMIT)
    assert list(tmp_path.iterdir()) == []
    assert file.write(b"a")
    file.close()
    assert [found.name for found in tmp_path.iterdir()] == ["t.stdout"]
    assert read(path) == b"a"


def test_closed_file_takes_nothing(tmp_path: Path) -> None:
    path = f"{tmp_path}/t"
    file = OutputFile(path, _LIMIT)
    file.write(b"kept")
    file.close()
    assert not file.write(b"late")
    assert file.share() is None
    file.collect()
    file.close()
    assert read(path) == b"kept"
    assert not file.failure


def test_what_cannot_be_written_is_lost_and_the_next_piece_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "output"
    path = f"{folder}/t"
    file = OutputFile(path, _LIMIT)
    assert file.write(b"lost")
    assert file.failure == "its output could not be kept: No such file or directory"
    assert file.share() is None
    folder.mkdir()
    assert file.write(b"kept")
    file.close()
    assert read(path) == b"kept"


def test_file_without_a_folder_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OutputFile(f"{tmp_path}/none/t", _LIMIT).open()


def test_writer_goes_on_where_the_one_before_it_ended(tmp_path: Path) -> None:
    path = f"{tmp_path}/t"
    for piece in (b"first ", b"second"):
        file = OutputFile(path, _LIMIT)
        file.open()
        file.write(piece)
        file.close()
    assert read(path) == b"first second"


def test_file_knows_where_its_stream_ends_and_whether_it_is_closed(tmp_path: Path) -> None:
    file = OutputFile(f"{tmp_path}/t", _LIMIT)
    assert (file.end(), file.is_closed) == (0, False)
    file.write(b"four")
    assert (file.end(), file.is_closed) == (4, False)
    file.close()
    assert (file.end(), file.is_closed) == (4, True)


def test_what_others_wrote_beyond_the_limit_is_moved_to_the_last_part(tmp_path: Path) -> None:
    path = f"{tmp_path}/t"
    file = OutputFile(path, 1000)
    descriptor = file.share()
    assert descriptor is not None
    os.write(descriptor, b"a" * 500 + b"b" * 100)

    file.collect()

    assert Path(path).stat().st_size == 500
    assert read_kept(path, 500, _LIMIT).content == b"b" * 100
    file.close()


def test_turns_are_noted_before_each_piece_and_not_for_nothing(tmp_path: Path) -> None:
    file = OutputFile(f"{tmp_path}/t", _LIMIT)
    ends: list[int] = []
    file.note_turns(lambda: ends.append(file.end()))
    for piece in (b"one", b"", b"two"):
        file.write(piece)
    file.close()
    file.write(b"late")
    assert ends == [0, 3]

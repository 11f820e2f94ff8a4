"""Archives of each kind, and hostile ones, extracted to a real disk."""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elasticjob_cloud.agent.apps.archives.archive import unpack_download
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits

SMALL = AppLimits(extracted_bytes=1_000_000, file_count=50)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - tarfile's word
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, errors="surrogateescape") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info, content


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return buffer.getvalue()


def zip_member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def unpack(folder: Path, content: bytes, name: str, limits: AppLimits = SMALL) -> tuple[Path, str | None]:
    download, destination = folder / "download", folder / "content"
    download.write_bytes(content)
    return destination, unpack_download(download, name, destination, limits, threading.Event())


def refused(folder: Path, content: bytes, name: str, reason: str, limits: AppLimits = SMALL) -> None:
    with pytest.raises(ContentError, match=reason):
        unpack(folder, content, name, limits)
    assert [path.name for path in folder.iterdir()] == ["download"]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


PLAIN_TAR = tar_of(
    member("./", kind=tarfile.DIRTYPE, mode=0o555),
    member("./bin", kind=tarfile.DIRTYPE, mode=0o500),
    member("./bin/start.sh", b"#!/bin/sh\n", mode=0o6775),
    member("./data.txt", b"data" * 1000, mode=0o444),
)


@pytest.mark.parametrize(
    "name, compress",
    [
        ("app.tar", bytes),
        ("app.tar.gz", gzip.compress),
        ("app.tgz", gzip.compress),
        ("app.TAR.BZ2", bz2.compress),
        ("app.tbz2", bz2.compress),
        ("app.tar.xz", lzma.compress),
        ("app.txz", lzma.compress),
        ("app.tar.zst", zstandard.compress),
    ],
)
def test_tar_of_each_compression_is_extracted(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    destination, single = unpack(tmp_path, compress(PLAIN_TAR), name)
    assert single is None
    assert (destination / "data.txt").read_bytes() == b"data" * 1000
    assert mode_of(destination / "bin/start.sh") == 0o755
    assert mode_of(destination / "data.txt") == 0o644
    assert mode_of(destination / "bin") & 0o700 == 0o700
    assert (destination / "bin/start.sh").stat().st_uid == os.getuid()


def test_xz_of_several_streams_with_padding_is_read_whole(tmp_path: Path) -> None:
    middle = len(PLAIN_TAR) // 2
    packed = lzma.compress(PLAIN_TAR[:middle]) + b"\0" * 8 + lzma.compress(PLAIN_TAR[middle:]) + b"\0" * 4
    destination, _ = unpack(tmp_path, packed, "a.txz")
    assert (destination / "data.txt").read_bytes() == b"data" * 1000


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_zip_is_extracted_with_run_bits_and_links(tmp_path: Path, compression: int) -> None:
    content = zip_of(
        (zip_member("bin/start.sh", stat.S_IFREG | 0o4755), b"#!/bin/sh\n"),
        (zip_member("run", stat.S_IFLNK | 0o777), b"bin/start.sh"),
        ("windows\\data.txt", b"data"),
        ("empty/", b""),
        compression=compression,
    )
    destination, single = unpack(tmp_path, content, "a.zip")
    assert single is None
    assert mode_of(destination / "bin/start.sh") == 0o755
    assert (destination / "run").readlink() == Path("bin/start.sh")
    assert (destination / "windows/data.txt").read_bytes() == b"data"
    assert (destination / "empty").is_dir()


@pytest.mark.parametrize(
    "content, name, single",
    [
        (b"#!/bin/sh\n", "run.sh", "run.sh"),
        (b"#!/bin/sh\n", "", "app"),
        (gzip.compress(b"#!/bin/sh\n"), "run.sh.gz", "run.sh"),
    ],
    ids=["script", "without a name", "gzip"],
)
def test_anything_else_is_kept_as_one_executable_file(
    tmp_path: Path, content: bytes, name: str, single: str
) -> None:
    destination, found = unpack(tmp_path, content, name)
    assert found == single
    assert [path.name for path in destination.iterdir()] == [single]
    assert (destination / single).read_bytes() == b"#!/bin/sh\n"
    assert mode_of(destination / single) == 0o755


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "a.gz", "a.zip"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\0" * 2000])
def test_what_is_not_the_archive_it_is_called_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    refused(tmp_path, content, name, "not a readable|empty|no files")


@pytest.mark.parametrize(
    "name, compress",
    [("a.tar", bytes), ("a.tar.gz", gzip.compress), ("a.tar.bz2", bz2.compress), ("a.tar.xz", lzma.compress)],
)
def test_half_an_archive_is_refused(tmp_path: Path, name: str, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(tar_of(member("a", os.urandom(20_000)), member("b", os.urandom(20_000))))
    refused(tmp_path, packed[: len(packed) // 2], name, "not a readable")


def test_broken_header_within_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    packed = bytearray(tar_of(member("a", b"a"), member("b", b"b"), format=tarfile.USTAR_FORMAT))
    packed[1024:1028] = b"junk"
    refused(tmp_path, bytes(packed), "a.tar", "not a readable")


def test_later_member_of_the_same_name_replaces_the_earlier(tmp_path: Path) -> None:
    content = tar_of(member("a", b"old"), member("b", kind=tarfile.LNKTYPE, link="a"), member("a", b"new"))
    destination, _ = unpack(tmp_path, content, "a.tar")
    assert (destination / "a").read_bytes() == b"new"
    assert (destination / "b").read_bytes() == b"old"


def test_hard_links_inside_are_kept(tmp_path: Path) -> None:
    content = tar_of(
        member("bin/a", b"a"),
        member("b", kind=tarfile.LNKTYPE, link="./bin/a"),
        member("bin/a", kind=tarfile.LNKTYPE, link="bin/a"),
        member("link", kind=tarfile.SYMTYPE, link="bin/a"),
        member("link2", kind=tarfile.LNKTYPE, link="link"),
    )
    destination, _ = unpack(tmp_path, content, "a.tar")
    assert (destination / "b").samefile(destination / "bin/a")
    assert (destination / "link2").readlink() == Path("bin/a")


def test_names_of_any_bytes_and_scripts_are_kept(tmp_path: Path) -> None:
    content = tar_of(member("作业/é.txt", b"1"), member("bad\udcff", b"2"), format=tarfile.GNU_FORMAT)
    destination, _ = unpack(tmp_path, content, "a.tar")
    assert (destination / "作业/é.txt").read_bytes() == b"1"
    assert (destination / os.fsdecode(b"bad\xff")).read_bytes() == b"2"


HOSTILE_TARS = [
    ([member("../evil", b"x")], "leaves it"),
    ([member("a/../../evil", b"x")], "leaves it"),
    ([member("/tmp/evil", b"x")], "absolute"),
    ([member("a", kind=tarfile.SYMTYPE, link="/etc")], "absolute"),
    ([member("a", kind=tarfile.SYMTYPE, link="../evil")], "leaves it"),
    ([member("a", kind=tarfile.SYMTYPE, link=".."), member("a/evil", b"x")], "below a link"),
    (
        [member("a", kind=tarfile.SYMTYPE, link="."), member("b", kind=tarfile.SYMTYPE, link="a/..")],
        "leaves it",
    ),
    ([member("a", kind=tarfile.LNKTYPE, link="../download")], "leaves it"),
    ([member("a", kind=tarfile.LNKTYPE, link="/etc/passwd")], "absolute"),
    ([member("a", kind=tarfile.LNKTYPE, link="missing")], "not a file"),
    ([member("d", kind=tarfile.DIRTYPE), member("a", kind=tarfile.LNKTYPE, link="d")], "not a file"),
    ([member("a", kind=tarfile.CHRTYPE)], "device"),
    ([member("a", kind=tarfile.BLKTYPE)], "device"),
    ([member("a", kind=tarfile.FIFOTYPE)], "device"),
    ([member("a", kind=b"Z")], "no file"),
    ([member("a", b"x"), member("a/b", b"x")], "below a file"),
    ([member("a/b", b"x"), member("a", b"x")], "both"),
    ([member("a/b", b"x"), member("a", kind=tarfile.SYMTYPE, link="b")], "both"),
    ([member(".", b"x")], "both"),
    ([member("x" * 300, b"x")], "too long"),
    ([member("a/" * 100 + "x", b"x")], "deeper"),
    ([member(f"{number}", b"") for number in range(51)], "more than 50 files"),
    (
        [member("/".join(str(n) for n in range(40)), b"x"), member("a/" * 40 + "x", b"x")],
        "more than 50 files",
    ),
    ([member("a", b"0" * 600_000), member("b", b"0" * 600_000)], "1,000,000 bytes"),
    ([member("a", b"0" * 600_000), member("a", b"0" * 600_000)], "1,000,000 bytes"),
]


@pytest.mark.parametrize(
    "members, reason", HOSTILE_TARS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_hostile_tar_is_refused_and_leaves_nothing(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], reason: str
) -> None:
    refused(tmp_path, tar_of(*members), "a.tar", reason)


def test_tar_bomb_is_refused_at_the_limit(tmp_path: Path) -> None:
    refused(tmp_path, lzma.compress(tar_of(member("a", bytes(20_000_000)))), "a.tar.xz", "1,000,000 bytes")


def test_gzip_bomb_is_refused_at_the_limit(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(bytes(20_000_000)), "a.gz", "1,000,000 bytes")


def test_zip_bomb_is_refused_at_the_limit(tmp_path: Path) -> None:
    refused(tmp_path, zip_of(("a", bytes(20_000_000))), "a.zip", "1,000,000 bytes")


def test_sparse_member_counts_with_its_holes(tmp_path: Path) -> None:
    info, _ = member("sparse")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**40), "GNU.sparse.major": "0"}
    refused(tmp_path, tar_of((info, b"x")), "a.tar", "1,000,000 bytes")


def test_small_sparse_member_is_extracted_with_its_holes(tmp_path: Path) -> None:
    info, _ = member("sparse")
    info.pax_headers = {"GNU.sparse.map": "0,1,5,2", "GNU.sparse.size": "10", "GNU.sparse.major": "0"}
    destination, _ = unpack(tmp_path, tar_of((info, b"xyz")), "a.tar")
    assert (destination / "sparse").read_bytes() == b"x\0\0\0\0yz\0\0\0"


def test_header_of_gigabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**40
    refused(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(5000), "a.tar", "header that is too long")


def test_endless_chain_of_headers_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("again")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    link = info.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")
    refused(tmp_path, link * 900, "a.tar", "not a readable|header")


def test_xz_that_asks_for_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 300 * 2**20}]
    try:
        packed = lzma.compress(PLAIN_TAR, filters=filters)
    except MemoryError:
        pytest.skip("too little memory to make the archive: free some, and run it again")
    refused(tmp_path, packed, "a.tar.xz", "not a readable")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "..\\evil", "a/../../evil"])
def test_zip_with_a_path_outside_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, zip_of((name, b"x")), "a.zip", "absolute|leaves it")


@pytest.mark.parametrize(
    "name, mode, content, reason",
    [
        ("a", stat.S_IFLNK | 0o777, b"/etc", "absolute"),
        ("a", stat.S_IFLNK | 0o777, b"../../etc", "leaves it"),
        ("a", stat.S_IFIFO | 0o644, b"", "device"),
        ("a", stat.S_IFCHR | 0o644, b"", "device"),
    ],
)
def test_zip_with_a_hostile_member_is_refused(
    tmp_path: Path, name: str, mode: int, content: bytes, reason: str
) -> None:
    refused(tmp_path, zip_of((zip_member(name, mode), content)), "a.zip", reason)


def test_zip_that_lies_about_sizes_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zip_of(("a", bytes(5000))))
    directory = packed.index(b"PK\1\2")
    packed[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    refused(tmp_path, bytes(packed), "a.zip", "not a readable")


def test_zip_with_too_many_files_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, zip_of(*((str(number), b"") for number in range(51))), "a.zip", "more than 50 files")


def test_zip_with_a_huge_table_of_contents_is_refused_before_it_is_read(tmp_path: Path) -> None:
    packed = zip_of(*((f"{number:0>240}", b"") for number in range(4000)))
    refused(tmp_path, packed, "a.zip", "more files than the limit")


def test_encrypted_zip_is_refused_and_says_why(tmp_path: Path) -> None:
    packed = bytearray(zip_of(("secret", b"x")))
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    refused(tmp_path, bytes(packed), "a.zip", "encrypted")


def test_stopped_extraction_leaves_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    download = tmp_path / "download"
    download.write_bytes(PLAIN_TAR)
    with pytest.raises(FetchError, match="stopped"):
        unpack_download(download, "a.tar", tmp_path / "content", SMALL, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["download"]


ANY_NAME = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "content", "sentinel"]), min_size=1, max_size=4
).map("/".join)
ANY_KIND = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(ANY_NAME, ANY_KIND, ANY_NAME), min_size=1, max_size=6))
def test_no_archive_ever_makes_or_reaches_anything_outside(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes, str]]
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    (folder / "sentinel").write_bytes(b"untouched")
    content = tar_of(
        *(
            member(name, b"x" if kind == tarfile.REGTYPE else b"", kind=kind, link=link)
            for name, kind, link in members
        )
    )
    try:
        destination, _ = unpack(folder, content, "a.tar")
    except ContentError:
        assert {path.name for path in folder.iterdir()} == {"download", "sentinel"}
        return
    assert {path.name for path in folder.iterdir()} == {"download", "sentinel", "content"}
    assert (folder / "sentinel").read_bytes() == b"untouched"
    assert (folder / "sentinel").stat().st_nlink == 1
    for path in destination.rglob("*"):
        assert Path(os.path.realpath(path)).is_relative_to(destination)

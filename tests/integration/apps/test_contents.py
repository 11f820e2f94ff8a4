"""What a download is, is told by its bytes: files with names that say nothing or lie, cut ones, and what is no app."""

import bz2
import gzip
import io
import lzma
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from elasticjob_cloud.agent.apps.archives.archive import Served, unpack_download
from elasticjob_cloud.agent.apps.errors import ContentError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.model.errors import AppUnavailableError
from tests.integration.apps.app_caches import cache_in, packed, text_of
from tests.integration.apps.app_servers import AppRequestHandler, HttpAppServer, ftp_app_server
from tests.waiting import until

PLAIN = Served()
SCRIPT = b"#!/bin/sh\necho done\n"
HTML = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body></body></html>\n"


def tar_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


TAR = tar_of(start=SCRIPT, data=b"1" * 5000)


def unpack(folder: Path, content: bytes, name: str, served: Served = PLAIN) -> dict[str, bytes]:
    download, destination = folder / "download", folder / "content"
    download.write_bytes(content)
    unpack_download(download, name, destination, AppLimits(), threading.Event(), served)
    return {path.name: path.read_bytes() for path in destination.iterdir()}


def refused(folder: Path, content: bytes, name: str, reason: str, served: Served = PLAIN) -> None:
    with pytest.raises(ContentError, match=reason):
        unpack(folder, content, name, served)
    assert [path.name for path in folder.iterdir()] == ["download"]


@pytest.mark.parametrize(
    "name", ["", "download", "v1.2.3", "get.php", "pack.tbz", "pack.tzst", "pack.zip", "p.gz"]
)
@pytest.mark.parametrize(
    "compress",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress],
    ids=lambda it: it.__name__,
)
def test_tar_archive_of_any_name_is_extracted(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    assert unpack(tmp_path, compress(TAR), name) == {"start": SCRIPT, "data": b"1" * 5000}


def test_tar_of_the_oldest_form_is_known_by_its_checksum(tmp_path: Path) -> None:
    info = tarfile.TarInfo("start")
    info.size = len(SCRIPT)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 0x20)
    assert unpack(tmp_path, bytes(header) + SCRIPT.ljust(512, b"\0") + bytes(1024), "x") == {"start": SCRIPT}


@pytest.mark.parametrize("name", ["", "archive", "pack.tar.gz", "v2.0"])
def test_zip_archive_of_any_name_is_extracted(tmp_path: Path, name: str) -> None:
    assert unpack(tmp_path, zip_of(start=SCRIPT), name) == {"start": SCRIPT}


@pytest.mark.parametrize(
    "content",
    [
        SCRIPT,
        b"print('<html>')\n",
        b"\xef\xbb\xbfprint(1)\n",
        b"\x7fELF\x02\x01\x01" + bytes(600),
        b"<?php echo 1;\n",
        SCRIPT + TAR,
        b"#!/usr/bin/env python3\n" + zip_of(__main__=b""),
        b"x",
    ],
    ids=["shell", "python", "mark", "ELF", "php", "self-extracting", "zipapp", "one byte"],
)
def test_single_file_is_kept_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    assert unpack(tmp_path, content, "run") == {"run": content}


@pytest.mark.parametrize("name", ["app.jar", "app.pyz", "App.WHL"])
def test_file_that_is_used_whole_is_not_extracted(tmp_path: Path, name: str) -> None:
    assert list(unpack(tmp_path, zip_of(a=b"1"), name)) == [name]


@pytest.mark.parametrize(
    "name, compress",
    [("r.sh.bz2", bz2.compress), ("r.sh.xz", lzma.compress), ("r.sh.zst", zstandard.compress)],
)
def test_compressed_single_file_is_decompressed(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    assert unpack(tmp_path, compress(SCRIPT), name) == {"r.sh": SCRIPT}


@pytest.mark.parametrize("name", ["run.sh", "", "pack.tar.gz", "pack.zip", "run.gz", "pack.tar"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\n \r\n", b"\xef\xbb\xbf\n", bytes(700), gzip.compress(b""), gzip.compress(b"\n")],
    ids=["nothing", "white space", "mark", "zeros", "nothing, compressed", "a line, compressed"],
)
def test_empty_download_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    refused(tmp_path, content, name, "it is empty")


@pytest.mark.parametrize("name", ["run.sh", "", "pack.tar.gz", "pack.zip", "run.py"])
@pytest.mark.parametrize(
    "content",
    [
        HTML,
        b"\n\n  <HTML>",
        b"\xef\xbb\xbf<html lang=en>",
        b"<!-- a note -->\n<html>",
        b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'>",
        HTML.decode().encode("utf-16"),
        b"<h1>502 Bad Gateway</h1>",
        gzip.compress(HTML),
    ],
    ids=["page", "upper case", "mark", "comment", "xhtml", "utf-16", "fragment", "compressed"],
)
def test_html_page_is_no_app(tmp_path: Path, name: str, content: bytes) -> None:
    refused(tmp_path, content, name, "HTML page")


def test_html_file_that_is_called_so_is_kept(tmp_path: Path) -> None:
    assert unpack(tmp_path, HTML, "report.html") == {"report.html": HTML}


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "7z"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"\x1f\x9d\x90abc", "compress"),
        (lzma.compress(TAR, lzma.FORMAT_ALONE), "lzma"),
        (b"\x04\x22\x4d\x18abc", "lz4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["pack", "pack.zip", "pack.tar.gz"])
def test_format_that_cannot_be_unpacked_is_named(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    refused(tmp_path, content, name, rf"{reason}.*Pack the app as \.tar\.gz or \.zip")


@pytest.mark.parametrize("name", ["pack.tar", "pack", "pack.tar.gz"])
@pytest.mark.parametrize(
    "compress",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress],
    ids=lambda it: it.__name__,
)
def test_tar_that_was_cut_between_members_is_refused(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    refused(tmp_path, compress(TAR[:1024]), name, "end mark is missing")


@pytest.mark.parametrize("tail", [512, 1024, 10_240], ids=["one block", "two blocks", "a record"])
def test_tar_with_any_end_mark_is_whole(tmp_path: Path, tail: int) -> None:
    assert unpack(tmp_path, TAR.rstrip(b"\0").ljust(6656, b"\0") + bytes(tail), "a.tar")["start"] == SCRIPT


@pytest.mark.parametrize("name", ["run", "run.gz"])
@pytest.mark.parametrize(
    "compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress], ids=lambda it: it.__name__
)
def test_compressed_file_that_was_cut_anywhere_is_refused(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    whole = compress(SCRIPT * 100)
    for end in (20, len(whole) // 2, len(whole) - 5, len(whole) - 1):
        refused(tmp_path, whole[:end], name, "not a readable")


@pytest.mark.parametrize("level", [1, 19])
@pytest.mark.parametrize("checksum", [True, False])
def test_zstandard_of_many_blocks_is_whole_or_refused(tmp_path: Path, level: int, checksum: bool) -> None:
    content = SCRIPT + bytes(range(256)) * 2000 + bytes(1_000_000)
    packed = zstandard.ZstdCompressor(level=level, write_checksum=checksum).compress(content)
    twice = packed + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + packed
    assert unpack(tmp_path, twice, "run") == {"run": content * 2}
    (tmp_path / "content" / "run").unlink()
    (tmp_path / "content").rmdir()
    refused(tmp_path, twice[:-7], "run", "not a readable")


@pytest.mark.parametrize("end", [30, 60, -30, -5])
@pytest.mark.parametrize("name", ["pack.zip", "pack"])
def test_zip_without_its_table_of_contents_is_refused(tmp_path: Path, name: str, end: int) -> None:
    refused(tmp_path, zip_of(start=SCRIPT, data=b"1" * 500)[:end], name, "not a readable")


def test_gzip_with_garbage_behind_it_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(TAR) + b"garbage", "pack.tar.gz", "not a readable")


@pytest.mark.parametrize(
    "body, name, files",
    [
        (gzip.compress(SCRIPT), "run.sh", {"run.sh": SCRIPT}),
        (gzip.compress(TAR), "pack.tar.gz", {"start": SCRIPT, "data": b"1" * 5000}),
        (gzip.compress(TAR), "pack.tar", {"start": SCRIPT, "data": b"1" * 5000}),
        (gzip.compress(gzip.compress(TAR)), "pack.tar.gz", {"start": SCRIPT, "data": b"1" * 5000}),
        (gzip.compress(zip_of(start=SCRIPT)), "pack.zip", {"start": SCRIPT}),
        (gzip.compress(gzip.compress(SCRIPT)), "run.sh.gz", {"run.sh": SCRIPT}),
        (gzip.compress(SCRIPT), "run.sh.gz", {"run.sh": SCRIPT}),
        (SCRIPT, "run.sh", {"run.sh": SCRIPT}),
        (SCRIPT, "run.sh.gz", {"run.sh": SCRIPT}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_content_encoding_is_undone_where_the_server_applied_it(
    tmp_path: Path, body: bytes, name: str, files: dict[str, bytes]
) -> None:
    assert unpack(tmp_path, body, name, Served(("gzip",))) == files


def test_html_page_that_came_compressed_is_no_app(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(HTML), "run.sh", "HTML page", Served(("gzip",)))


@pytest.mark.anyio
async def test_server_names_the_file_where_the_url_does_not(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    disposition = {
        "Content-Disposition": "attachment; filename=\"../report.py\"; filename*=UTF-8''%E4%BD%9C.py"
    }
    app_server.answers["/get"] = lambda request: request.reply(200, SCRIPT, disposition)
    async with cache_in(tmp_path) as cache:
        app = await cache.prepare("app", app_server.url("/get?id=7"), cache=True)
        names = {path.name for path in app.directory.iterdir()}
        assert "get" in names
        assert names < {"get", "report.py", "作.py"}


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/download?file=pack.tar.gz", "/pack.tar.gz/", "/repo/tarball/main"])
async def test_archive_behind_any_url_is_extracted(
    tmp_path: Path, app_server: HttpAppServer, path: str
) -> None:
    app_server.serve_body(path.partition("?")[0], packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path) as cache:
        assert text_of(await cache.prepare("app", app_server.url(path), cache=True)) == "one"


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"\n", HTML], ids=["empty", "a line", "page"])
async def test_what_is_no_app_never_replaces_one(
    tmp_path: Path, app_server: HttpAppServer, body: bytes
) -> None:
    url = app_server.url("/run.sh")
    async with cache_in(tmp_path) as cache:
        app_server.serve_body("/run.sh", SCRIPT)
        first = await cache.prepare("app", url, cache=True)
        first.release()
        app_server.serve_body("/run.sh", body)
        again = await cache.prepare("app", url, cache=True)
        assert again.directory == first.directory
        app_server.serve_body("/run.sh", SCRIPT + b"#2\n")
        assert text_of(await cache.prepare("app", url, cache=True), "run.sh").endswith("#2\n")


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"\n", HTML], ids=["empty", "a line", "page"])
@pytest.mark.parametrize("use_cache", [True, False])
async def test_what_is_no_app_is_never_run(
    tmp_path: Path, app_server: HttpAppServer, body: bytes, use_cache: bool
) -> None:
    app_server.serve_body("/run.sh", body)
    async with cache_in(tmp_path) as cache:
        with pytest.raises(AppUnavailableError, match=r"it is empty|HTML page"):
            await cache.prepare("app", app_server.url("/run.sh"), cache=use_cache)


@pytest.mark.anyio
async def test_body_shorter_than_announced_is_refused(tmp_path: Path, app_server: HttpAppServer) -> None:
    def answer(request: AppRequestHandler) -> None:
        request.reply(200, SCRIPT, {"Content-Length": str(len(SCRIPT) + 1)})
        request.close_connection = True

    app_server.answers["/run.sh"] = answer
    async with cache_in(tmp_path) as cache:
        with pytest.raises(AppUnavailableError, match="broke off"):
            await cache.prepare("app", app_server.url("/run.sh"), cache=True)


@pytest.mark.anyio
async def test_ftp_archive_without_a_suffix_is_extracted(tmp_path: Path) -> None:
    (tmp_path / "ftp").mkdir()
    (tmp_path / "ftp" / "pack").write_bytes(packed(**{"a.txt": "one"}))
    with ftp_app_server(tmp_path / "ftp", "bob", "x") as server:
        async with cache_in(tmp_path / "cache") as cache:
            app = await cache.prepare("app", f"ftp://bob:x@127.0.0.1:{server.port}/pack", cache=True)
            assert text_of(app) == "one"


@pytest.mark.anyio
async def test_extraction_that_takes_too_long_is_given_up(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.serve_body("/pack.tar.gz", packed(**{str(number): "x" for number in range(2000)}))
    async with cache_in(tmp_path, AppLimits(extraction_seconds=0.001)) as cache:
        with pytest.raises(AppUnavailableError, match=r"extraction took more than 0\.001 s"):
            await cache.prepare("app", app_server.url("/pack.tar.gz"), cache=True)
        await until(lambda: not list(tmp_path.glob("*/*")), "the cache is empty")

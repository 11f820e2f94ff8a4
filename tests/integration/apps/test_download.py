"""Downloads from real servers that lie, hang, redirect and refuse; from FTP servers and from the disk."""

import asyncio
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppCache, AppLimits
from elasticjob_cloud.model.errors import AppUnavailableError
from tests.integration.apps.app_caches import cache_in
from tests.integration.apps.app_servers import (
    AppRequestHandler,
    HttpAppServer,
    ftp_app_server,
    http_app_server,
)

IMPATIENT = AppLimits(
    connect_seconds=1.0,
    idle_seconds=1.0,
    revalidate_seconds=0.0,
    revalidate_timeout_seconds=1.0,
    stale_seconds=0.0,
    download_bytes=10_000,
)

pytestmark = pytest.mark.anyio


async def content_of(cache: AppCache, url: str) -> bytes:
    app = await cache.prepare("app", url, cache=True)
    assert app.single_file is not None
    return (app.directory / app.single_file).read_bytes()


async def refused(tmp_path: Path, url: str, reason: str, limits: AppLimits = IMPATIENT) -> str:
    async with cache_in(tmp_path / "cache", limits) as cache:
        with pytest.raises(AppUnavailableError, match=reason) as caught:
            await cache.prepare("app", url, cache=True)
    assert not list((tmp_path / "cache").glob("*/*"))
    return str(caught.value)


def send_partly(announced: int, body: bytes, *, then_hang: bool) -> Callable[[AppRequestHandler], None]:
    def answer(request: AppRequestHandler) -> None:
        request.reply(200, body, {"Content-Length": str(announced)})
        if then_hang:
            request.hang()
        request.close_connection = True

    return answer


def speak_no_http(request: AppRequestHandler) -> None:
    request.wfile.write(b"220 this is another protocol\r\n")
    request.close_connection = True


def send_headers_never(request: AppRequestHandler) -> None:
    request.hang()


def send_chunks(count: int, pause: threading.Event | None = None) -> Callable[[AppRequestHandler], None]:
    def answer(request: AppRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for _ in range(count):
            request.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            if pause is not None and pause.wait(0.05):
                return
        request.wfile.write(b"0\r\n\r\n")

    return answer


def redirect_to(location: str, status: int = 302) -> Callable[[AppRequestHandler], None]:
    return lambda request: request.reply(status, b"", {"Location": location})


@pytest.mark.parametrize(
    "answer, reason",
    [
        (lambda request: request.reply(404, b""), "HTTP 404 Not Found"),
        (lambda request: request.reply(500, b""), "HTTP 500 Internal Server Error"),
        (lambda request: request.reply(204, b""), "HTTP 204"),
        (lambda request: request.reply(304, b""), "HTTP 304"),
        (lambda request: request.reply(200, b"x", {"Content-Encoding": "br"}), "compressed"),
        (send_headers_never, "sent nothing for 1 s"),
        (send_partly(100, b"half", then_hang=True), "sent nothing for 1 s"),
        (send_partly(100, b"half", then_hang=False), "broke off"),
        (send_partly(10_001, b"", then_hang=True), "larger than 10,000 bytes"),
        (send_chunks(11), "larger than 10,000 bytes"),
        (speak_no_http, "does not speak HTTP"),
        (redirect_to("/app.sh"), "more than 5 times"),
        (redirect_to("file:///etc/passwd"), "redirects from http to file"),
        (redirect_to("ftp://127.0.0.1/x"), "redirects from http to ftp"),
        (redirect_to("gopher://x/"), "redirects to where it may not"),
        (redirect_to("http://127.0.0.1:99999/"), "redirects to where it may not"),
        (redirect_to("http://[bad/"), "redirects to where it may not"),
    ],
)
async def test_bad_answer_is_an_error_that_names_url_and_cause(
    tmp_path: Path, app_server: HttpAppServer, answer: Callable[[AppRequestHandler], None], reason: str
) -> None:
    app_server.answers["/app.sh"] = answer
    message = await refused(tmp_path, app_server.url("/app.sh?token=s3cret", "bob:pa55@"), reason)
    assert app_server.url("/app.sh") in message
    assert "pa55" not in message
    assert "s3cret" not in message


async def test_slow_drip_ends_at_the_limit_of_the_whole_download(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.answers["/app.sh"] = send_chunks(1000, app_server.released)
    limits = AppLimits(download_seconds=0.4, idle_seconds=10)
    await refused(tmp_path, app_server.url("/app.sh"), "more than 0.4 s", limits)


@pytest.mark.parametrize("host", ["a" * 70, "a..b"])
@pytest.mark.parametrize("scheme", ["http", "ftp"])
async def test_impossible_host_is_an_error(tmp_path: Path, scheme: str, host: str) -> None:
    await refused(tmp_path, f"{scheme}://{host}/x", "malformed|no connection|does not give it")


async def test_proxy_that_cannot_be_used_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "carrier-pigeon://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    await refused(tmp_path, "http://127.0.0.1:1/x", "proxy")


async def test_refused_connection_is_an_error_that_says_so(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        await refused(tmp_path, f"http://127.0.0.1:{unused.getsockname()[1]}/x", "no connection")


async def test_server_that_accepts_nobody_is_given_up_on(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        # The queue of connections is full now, so that the next one hangs.
        with socket.create_connection(address), socket.socket() as extra:
            extra.setblocking(False)
            extra.connect_ex(address)
            await refused(tmp_path, f"http://127.0.0.1:{address[1]}/x", "no connection|sent nothing")


async def test_changed_app_may_take_longer_than_the_answer_that_it_changed(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    limits = AppLimits(revalidate_seconds=0.0, revalidate_timeout_seconds=1.0)
    async with cache_in(tmp_path, limits) as cache:
        app_server.serve_body("/app.sh", b"one")
        assert await content_of(cache, app_server.url("/app.sh")) == b"one"
        app_server.answers["/app.sh"] = send_chunks(24, app_server.released)
        assert await content_of(cache, app_server.url("/app.sh")) == b"x" * 24000


async def test_redirects_are_followed_without_taking_the_password_elsewhere(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    with http_app_server() as other:
        app_server.answers["/app.sh"] = redirect_to("/second", 308)
        app_server.answers["/second"] = redirect_to(other.url("/real.tar.gz"))
        other.serve_body("/real.tar.gz", b"#!/bin/sh\n")
        async with cache_in(tmp_path, IMPATIENT) as cache:
            # The name of the first URL counts.
            assert await content_of(cache, app_server.url("/app.sh", "bob:p%40ss@")) == b"#!/bin/sh\n"
        assert [headers.get("Authorization") for _, headers in app_server.requests] == [
            "Basic Ym9iOnBAc3M="
        ] * 2
        assert "Authorization" not in other.requests[0][1]


async def test_redirect_out_of_the_allowed_prefixes_is_refused(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    with http_app_server() as other:
        app_server.answers["/app.sh"] = redirect_to(other.url("/app.sh"))
        limits = AppLimits(allowed_url_prefixes=(app_server.url("/"),))
        await refused(tmp_path, app_server.url("/app.sh"), "allowed URL prefixes", limits)
        assert not other.requests


async def test_url_out_of_the_allowed_prefixes_is_refused_without_asking(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    limits = AppLimits(allowed_url_prefixes=("https://",))
    await refused(tmp_path, app_server.url("/app.sh"), "allowed URL prefixes", limits)
    assert not app_server.requests


async def test_archive_labelled_as_gzip_encoding_stays_as_it_is(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.answers["/x.zip"] = lambda request: request.reply(200, b"PK", {"Content-Encoding": "gzip"})
    await refused(tmp_path, app_server.url("/x.zip"), "not a readable .zip")


async def test_ftp_app_is_downloaded_once_and_again_when_it_changed(tmp_path: Path) -> None:
    folder = tmp_path / "ftp"
    (folder / "apps").mkdir(parents=True)
    file = folder / "apps" / "run it.sh"
    file.write_bytes(b"one" * 100_000)
    with ftp_app_server(folder, "bob", "p@ss") as server:
        url = f"ftp://bob:p%40ss@127.0.0.1:{server.port}/apps/run%20it.sh"
        async with cache_in(tmp_path / "cache", AppLimits(revalidate_seconds=0.0)) as cache:
            assert await content_of(cache, url) == b"one" * 100_000
            assert await content_of(cache, url) == b"one" * 100_000
            assert server.commands.count("RETR") == 1
            file.write_bytes(b"two" * 10)
            assert await content_of(cache, url) == b"two" * 10
            file.write_bytes(b"six" * 10)
            os.utime(file, (1e9, 1e9))
            assert await content_of(cache, url) == b"six" * 10
    assert server.commands.count("RETR") == 3


async def test_ftp_server_that_is_gone_leaves_the_cached_version_in_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run.sh").write_bytes(b"one")
    async with cache_in(tmp_path / "cache", IMPATIENT) as cache:
        with ftp_app_server(tmp_path, "bob", "pa55") as server:
            url = f"ftp://bob:pa55@127.0.0.1:{server.port}/run.sh"
            assert await content_of(cache, url) == b"one"
        with caplog.at_level(logging.DEBUG):
            assert await content_of(cache, url) == b"one"
    assert "is used as fetched earlier" in caplog.text
    assert "pa55" not in caplog.text


@pytest.mark.parametrize(
    "login, path, reason",
    [
        ("bob:pa55", "/none.sh", "550"),
        ("bob:wrong", "/run.sh", "530"),
        ("", "/run.sh", "530"),
        ("bob:pa55", "/large.sh", "larger than 10,000 bytes"),
        ("bob:pa55", "/run.sh%0D%0ADELE%20x", "does not give it"),
    ],
)
async def test_ftp_refusal_is_an_error_without_the_password(
    tmp_path: Path, login: str, path: str, reason: str
) -> None:
    (tmp_path / "run.sh").write_bytes(b"one")
    (tmp_path / "large.sh").write_bytes(bytes(20_000))
    with ftp_app_server(tmp_path, "bob", "pa55") as server:
        limits = AppLimits(download_bytes=10_000)
        message = await refused(tmp_path, f"ftp://{login}@127.0.0.1:{server.port}{path}", reason, limits)
    assert "pa55" not in message
    assert "wrong" not in message


@contextmanager
def scripted_ftp_server(*replies: bytes) -> Iterator[int]:
    """Say these lines, one for each line heard, and then nothing more."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in replies:
                connection.sendall(reply + b"\r\n")
                lines.readline()
            over.wait(10)
            # Closed at once, without a word.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "replies", [(), (b"220 hello", b"331 who"), (b"220 hello", b"230 in", b"200 binary")]
)
async def test_ftp_server_that_falls_silent_is_given_up_on(
    tmp_path: Path, replies: tuple[bytes, ...]
) -> None:
    with scripted_ftp_server(*replies) as port:
        await refused(tmp_path, f"ftp://127.0.0.1:{port}/run.sh", "did not answer in time")


async def test_ftp_transfer_that_stalls_is_given_up_on_and_stops_at_once_when_cancelled(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as data:
        port = data.getsockname()[1]
        passive = f"227 Entering Passive Mode (127,0,0,1,{port // 256},{port % 256})".encode()
        replies = (b"220 hi", b"230 in", b"200 ok", b"500 no MDTM", passive, b"150 coming")
        with scripted_ftp_server(*replies) as control:
            await refused(tmp_path, f"ftp://127.0.0.1:{control}/run.sh", "sent nothing for 1 s")
        data.accept()[0].close()
        data.settimeout(20)
        with scripted_ftp_server(*replies) as control:
            async with cache_in(tmp_path / "again", AppLimits()) as cache:
                url = f"ftp://127.0.0.1:{control}/run.sh"
                preparing = asyncio.create_task(cache.prepare("app", url, cache=False))
                transfer, _ = await asyncio.to_thread(data.accept)
                with transfer:
                    preparing.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await preparing


async def test_file_app_is_copied_again_only_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "run it.sh"
    file.write_bytes(b"one")
    async with cache_in(tmp_path / "cache", IMPATIENT) as cache:
        url = f"file://{tmp_path}/run%20it.sh"
        first = await cache.prepare("app", url, cache=True)
        assert (await cache.prepare("app", url, cache=True)).directory == first.directory
        replacement = tmp_path / "new"
        replacement.write_bytes(b"two")
        replacement.replace(file)
        second = await cache.prepare("app", f"file:{tmp_path}/run%20it.sh", cache=True)
        third = await cache.prepare("app", url, cache=True)
        assert first.directory not in {second.directory, third.directory}
        assert (third.directory / "run it.sh").read_bytes() == b"two"
        file.unlink()
        assert (await cache.prepare("app", url, cache=True)).directory == third.directory


async def test_file_that_cannot_be_read_or_is_none_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(20_000))
    await refused(tmp_path, f"file://{tmp_path}/none", "No such file")
    await refused(tmp_path, f"file://{tmp_path}/pipe", "not a file")
    await refused(tmp_path, f"file://{tmp_path}", "not a file")
    await refused(tmp_path, f"file://{tmp_path}/a%00b", "no file can have that name")
    await refused(tmp_path, f"file://{tmp_path}/large", "larger than 10,000 bytes")
    await refused(tmp_path, "file://elsewhere/x", "no host")

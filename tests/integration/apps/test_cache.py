"""The cache against a real HTTP server: what is asked, and what callers at once share."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppCache, AppLimits
from elasticjob_cloud.model.errors import AppUnavailableError
from tests.integration.apps.app_caches import cache_in, is_empty, kept, packed, text_of
from tests.integration.apps.app_servers import AppRequestHandler, HttpAppServer
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def test_unchanged_app_is_downloaded_once_and_asked_for_by_etag(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async_url = app_server.url("/app.tar.gz")
    async with cache_in(tmp_path) as cache:
        first = await cache.prepare("app", async_url, cache=True)
        second = await cache.prepare("app", async_url, cache=True)
    assert first.directory == second.directory
    assert first.single_file is None
    assert first.url == async_url
    assert text_of(first) == "one"
    assert ["If-None-Match" in headers for _, headers in app_server.requests] == [False, True]


async def test_last_modified_is_asked_by_when_it_is_old_enough(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/old.sh", b"old", etag=False, modified_seconds=time.time() - 3600)
    # Ahead of the clock, so that it is new also when a busy machine asks for it late.
    app_server.serve_body("/new.sh", b"new", etag=False, modified_seconds=time.time() + 60)
    async with cache_in(tmp_path) as cache:
        for path in ("/old.sh", "/old.sh", "/new.sh", "/new.sh"):
            await cache.prepare("app", app_server.url(path), cache=True)
    assert ["If-Modified-Since" in headers for _, headers in app_server.requests] == [
        False,
        True,
        False,
        False,
    ]


async def test_without_validators_an_equal_download_keeps_the_version(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/run.sh", b"same", etag=False)
    async with cache_in(tmp_path) as cache:
        first = await cache.prepare("app", app_server.url("/run.sh"), cache=True)
        second = await cache.prepare("app", app_server.url("/run.sh"), cache=True)
        assert first.directory == second.directory
        assert first.single_file == "run.sh"
        assert os.access(first.directory / "run.sh", os.X_OK)


async def test_changed_app_gets_a_new_directory_and_the_old_goes_with_its_last_holder(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    url = app_server.url("/app.tar.gz")
    async with cache_in(tmp_path) as cache:
        app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
        old, other = [await cache.prepare("app", url, cache=True) for _ in range(2)]
        app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "two"}))
        new = await cache.prepare("app", url, cache=True)
        assert (text_of(old), text_of(new)) == ("one", "two")
        old.release()
        old.release()
        assert text_of(other) == "one"
        other.release()
        await until(lambda: kept(tmp_path) == [new.directory.parent], "the new version alone is kept")


async def test_hundred_callers_at_once_share_one_download(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path, AppLimits(revalidate_seconds=60)) as cache:
        apps = await asyncio.gather(
            *(
                cache.prepare(f"app-{number % 3}", app_server.url("/app.tar.gz"), cache=True)
                for number in range(100)
            )
        )
        assert len({app.directory for app in apps}) == 1
        again = await cache.prepare("app-0", app_server.url("/app.tar.gz"), cache=True)
        assert again.directory == apps[0].directory
    assert len(app_server.requests) == 1


async def test_hundred_callers_share_one_failure(tmp_path: Path, app_server: HttpAppServer) -> None:
    async with cache_in(tmp_path, AppLimits(revalidate_seconds=60)) as cache:
        calls = (cache.prepare("app", app_server.url("/none.tar"), cache=True) for _ in range(100))
        results = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(AppUnavailableError, match="404"):
            await cache.prepare("app", app_server.url("/none.tar"), cache=True)
    assert all(isinstance(result, AppUnavailableError) for result in results)
    assert len(app_server.requests) == 1


async def test_without_cache_each_call_has_its_own_download_and_directory(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path) as cache:
        apps = await asyncio.gather(
            *(cache.prepare("app", app_server.url("/app.tar.gz"), cache=False) for _ in range(10))
        )
        assert len({app.directory for app in apps}) == 10
        assert {text_of(app) for app in apps} == {"one"}
        for app in apps:
            app.release()
        await until(lambda: is_empty(tmp_path), "the cache is empty")
    assert len(app_server.requests) == 10


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: request.reply(500, b""),
        lambda request: request.reply(404, b""),
        lambda request: request.hang(),
        lambda request: request.hang_up(),
    ],
    ids=["500", "404", "hangs", "hangs up"],
)
async def test_when_the_server_gives_no_answer_the_cached_version_is_used_and_a_warning_logged(
    tmp_path: Path,
    app_server: HttpAppServer,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[AppRequestHandler], None],
) -> None:
    url = app_server.url("/app.tar.gz?signature=s3cret", "bob:pa55@")
    async with cache_in(tmp_path) as cache:
        app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
        first = await cache.prepare("app", url, cache=True)
        app_server.answers["/app.tar.gz"] = answer
        with caplog.at_level(logging.DEBUG):
            second = await cache.prepare("app", url, cache=True)
        assert second.directory == first.directory
        app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "two"}))
        assert text_of(await cache.prepare("app", url, cache=True)) == "two"
    assert "is used as fetched earlier" in caplog.text
    assert "pa55" not in caplog.text
    assert "s3cret" not in caplog.text


async def test_silent_server_is_not_asked_again_for_a_while(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    limits = AppLimits(revalidate_seconds=0.0, stale_seconds=60.0)
    async with cache_in(tmp_path, limits) as cache:
        app_server.serve_body("/run.sh", b"one")
        await cache.prepare("app", app_server.url("/run.sh"), cache=True)
        del app_server.answers["/run.sh"]
        for _ in range(3):
            await cache.prepare("app", app_server.url("/run.sh"), cache=True)
    assert len(app_server.requests) == 2


async def test_broken_new_archive_is_an_error_though_an_older_is_cached(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    async with cache_in(tmp_path) as cache:
        app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
        held = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        app_server.serve_body("/app.tar.gz", b"oops")
        with pytest.raises(AppUnavailableError, match=r"not a readable \.tar\.gz"):
            await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        assert text_of(held) == "one"
        await until(
            lambda: kept(tmp_path) == [held.directory.parent], "the version that is held alone is kept"
        )


async def test_cancelling_one_of_two_callers_does_not_disturb_the_other(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.answers["/a.sh"] = AppRequestHandler.reply_when_released
    async with cache_in(tmp_path, AppLimits()) as cache:
        calls = [
            asyncio.create_task(cache.prepare("app", app_server.url("/a.sh"), cache=True)) for _ in range(2)
        ]
        await until(lambda: bool(app_server.requests), "the server is asked")
        calls[0].cancel()
        await asyncio.wait([calls[0]])
        app_server.released.set()
        assert text_of(await calls[1], "a.sh") == "a"
    assert len(app_server.requests) == 1


async def test_hanging_url_holds_up_no_other_app(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.answers["/hang.sh"] = lambda request: request.hang()
    app_server.serve_body("/good.sh", b"good")
    limits = AppLimits(max_concurrent_downloads=5, max_downloads_per_url=2)
    async with cache_in(tmp_path, limits) as cache:
        hanging = [
            asyncio.create_task(cache.prepare("bad", app_server.url("/hang.sh"), cache=False))
            for _ in range(20)
        ]
        await until(lambda: len(app_server.requests) == 2, "the server is asked again")
        async with asyncio.timeout(5):
            for enabled in (True, False):
                app = await cache.prepare("good", app_server.url("/good.sh"), cache=enabled)
                assert text_of(app, "good.sh") == "good"
        for call in hanging:
            call.cancel()
        await asyncio.wait(hanging)


async def test_closing_ends_waiting_callers_with_an_error(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.answers["/a.sh"] = lambda request: request.hang()
    cache = AppCache(tmp_path, AppLimits())
    call = asyncio.create_task(cache.prepare("app", app_server.url("/a.sh"), cache=True))
    await until(lambda: bool(app_server.requests), "the server is asked")
    await cache.close()
    with pytest.raises(AppUnavailableError, match="stopping"):
        await call
    with pytest.raises(AppUnavailableError, match="stopping"):
        await cache.prepare("app", app_server.url("/a.sh"), cache=True)

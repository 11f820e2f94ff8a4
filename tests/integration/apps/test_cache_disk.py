"""The cache against a real disk: what it keeps, finds again and deletes."""

import asyncio
import random
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppCache, AppLimits
from elasticjob_cloud.model.errors import AppUnavailableError
from tests.integration.apps.app_caches import cache_in, is_empty, kept, packed, text_of
from tests.integration.apps.app_servers import AppRequestHandler, HttpAppServer
from tests.waiting import until

pytestmark = pytest.mark.anyio


def record_of(directory: Path) -> Path:
    (record,) = directory.rglob("version.json")
    return record


def leave_half(directory: Path) -> None:
    """Leave what an agent leaves that is killed in the middle of a download."""
    (directory / "half" / "content").mkdir(parents=True)
    (directory / "half" / "content" / "a.txt").write_bytes(b"ha")


async def test_cache_survives_a_restart_without_downloading_again(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    url = app_server.url("/app.tar.gz", "bob:pa55@")
    async with cache_in(tmp_path) as cache:
        first = await cache.prepare("app", url, cache=True)
        private = await cache.prepare("app", url, cache=False)
    for part in ("versions", "staging"):
        leave_half(tmp_path / part)
    async with cache_in(tmp_path) as cache:
        second = await cache.prepare("app", url, cache=True)
        assert second.directory == first.directory
        assert not private.directory.exists()
        await until(lambda: kept(tmp_path) == [first.directory.parent], "the first version alone is kept")
        assert "pa55" not in record_of(tmp_path).read_text()
        await cache.forget("app")
        second.release()
        await until(lambda: is_empty(tmp_path), "the cache is empty")
    assert "If-None-Match" in app_server.requests[-1][1]


async def test_version_not_yet_safe_on_disk_is_not_trusted_after_a_reboot(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/run.sh", b"one")
    async with cache_in(tmp_path) as cache:
        await cache.prepare("app", app_server.url("/run.sh"), cache=True)
    record = record_of(tmp_path)
    record.write_text(record.read_text().replace('"settled":true', '"settled":false'))
    record.write_text(record.read_text().replace('"boot_id":"', '"boot_id":"earlier-'))
    async with cache_in(tmp_path) as cache:
        await cache.prepare("app", app_server.url("/run.sh"), cache=True)
    assert "If-None-Match" not in app_server.requests[-1][1]


async def test_version_that_somebody_deleted_is_downloaded_again(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/run.sh", b"one")
    async with cache_in(tmp_path) as cache:
        first = await cache.prepare("app", app_server.url("/run.sh"), cache=True)
        first.release()
        (first.directory / "run.sh").unlink()
        first.directory.rmdir()
        assert text_of(await cache.prepare("app", app_server.url("/run.sh"), cache=True), "run.sh") == "one"


async def test_least_recently_used_version_that_nobody_holds_is_deleted(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    for name in "abc":
        app_server.serve_body(f"/{name}.sh", name.encode() * 10_000)
    async with cache_in(tmp_path, AppLimits(cache_bytes=40_000, revalidate_seconds=60)) as cache:
        held = await cache.prepare("app", app_server.url("/a.sh"), cache=True)
        idle = await cache.prepare("app", app_server.url("/b.sh"), cache=True)
        idle.release()
        last = await cache.prepare("app", app_server.url("/c.sh"), cache=True)
        await until(lambda: not idle.directory.parent.exists(), "the idle version is gone")
        assert held.directory.exists()
        last.release()
        held.release()
        assert (
            text_of(await cache.prepare("app", app_server.url("/c.sh"), cache=True), "c.sh") == "c" * 10_000
        )


async def test_app_larger_than_the_cache_is_kept_only_while_it_is_held(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/a.sh", b"a" * 10_000)
    async with cache_in(tmp_path, AppLimits(cache_bytes=5000)) as cache:
        app = await cache.prepare("app", app_server.url("/a.sh"), cache=True)
        assert text_of(app, "a.sh") == "a" * 10_000
        app.release()
        await until(lambda: is_empty(tmp_path), "the cache is empty")


async def test_forgotten_app_is_deleted_unless_another_app_has_the_same_url(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/a.sh", b"a")
    async with cache_in(tmp_path) as cache:
        for name in ("one", "two"):
            (await cache.prepare(name, app_server.url("/a.sh"), cache=True)).release()
        await cache.forget("one")
        await cache.forget("unknown")
        held = await cache.prepare("two", app_server.url("/a.sh"), cache=True)
        assert "If-None-Match" in app_server.requests[-1][1]
        await cache.forget("two")
        assert text_of(held, "a.sh") == "a"
        held.release()
        await until(lambda: is_empty(tmp_path), "the cache is empty")


async def test_app_forgotten_during_its_download_leaves_nothing(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.answers["/a.sh"] = AppRequestHandler.reply_when_released
    async with cache_in(tmp_path, AppLimits()) as cache:
        call = asyncio.create_task(cache.prepare("app", app_server.url("/a.sh"), cache=True))
        await until(lambda: bool(app_server.requests), "the server is asked")
        await cache.forget("app")
        app_server.released.set()
        app = await call
        assert text_of(app, "a.sh") == "a"
        app.release()
        await until(lambda: is_empty(tmp_path), "the cache is empty")


@pytest.mark.parametrize("cache_enabled", [True, False])
async def test_cancelled_caller_leaves_nothing(
    tmp_path: Path, app_server: HttpAppServer, cache_enabled: bool
) -> None:
    app_server.answers["/a.sh"] = lambda request: request.hang()
    async with cache_in(tmp_path, AppLimits()) as cache:
        call = asyncio.create_task(cache.prepare("app", app_server.url("/a.sh"), cache=cache_enabled))
        await until(lambda: bool(app_server.requests), "the server is asked")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: is_empty(tmp_path), "the cache is empty")
        app_server.serve_body("/a.sh", b"a")
        assert text_of(await cache.prepare("app", app_server.url("/a.sh"), cache=True), "a.sh") == "a"


async def test_cache_directory_that_cannot_be_made_is_an_error_that_says_so(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with cache_in(tmp_path / "file") as cache:
        with pytest.raises(AppUnavailableError, match="directory cannot be used"):
            await cache.prepare("app", app_server.url("/a.sh"), cache=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_together_nobody_loses_a_version_and_nothing_is_left(
    tmp_path: Path, app_server: HttpAppServer, seed: int
) -> None:
    chance = random.Random(seed)
    limits = AppLimits(revalidate_seconds=0.01, stale_seconds=0.01, cache_bytes=30_000)

    async def use(cache: AppCache, number: int) -> None:
        path = f"/{chance.choice('abc')}.tar.gz"
        await asyncio.sleep(chance.random() * 0.3)
        if chance.random() < 0.3:
            app_server.serve_body(path, packed(**{"a.txt": str(number) * 5000}))
        if chance.random() < 0.1:
            await cache.forget(f"app{path}")
        app = await cache.prepare(f"app{path}", app_server.url(path), cache=chance.random() < 0.8)
        try:
            content = text_of(app)
            await asyncio.sleep(chance.random() * 0.05)
            assert text_of(app) == content
        finally:
            app.release()

    for name in "abc":
        app_server.serve_body(f"/{name}.tar.gz", packed(**{"a.txt": name}))
    async with cache_in(tmp_path, limits) as cache:
        uses = [asyncio.create_task(use(cache, number)) for number in range(100)]
        for task in chance.sample(uses, 20):
            await asyncio.sleep(chance.random() * 0.02)
            task.cancel()
        results = await asyncio.gather(*uses, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
        for name in "abc":
            await cache.forget(f"app/{name}.tar.gz")
        await until(lambda: is_empty(tmp_path), "the cache is empty")
        assert cache._cached_bytes == 0
        assert not cache._entries

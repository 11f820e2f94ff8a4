"""What jobs write in an app's folder: measured again, warned of, bounded by the cache's limit, and shown."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppCache, AppLimits
from elasticjob_cloud.agent.apps.versions import stock
from elasticjob_cloud.agent.apps.versions.shelf import disk_bytes
from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.messages import Sandbox
from elasticjob_cloud.service.housekeeping.sandbox_watch import SandboxWatch
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.integration.apps.app_caches import cache_in, packed
from tests.integration.apps.app_servers import HttpAppServer
from tests.waiting import until

pytestmark = pytest.mark.anyio
LIMITS = AppLimits(revalidate_seconds=600.0, cache_bytes=1_000_000)


@pytest.fixture(autouse=True)
def _measure_often(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine a walk takes long, and the next one waits the longer for it.
    monkeypatch.setattr(stock, "_WALK_SHARE", 1.0)


def bytes_of(cache: AppCache, app_name: str = "app") -> int:
    return sum(folder.size_bytes for folder in cache.folders(app_name))


def _is_measured(cache: AppCache, size: int) -> bool:
    """Tell whether a folder that had this size was measured again, or deleted as too much."""
    return bytes_of(cache) != size or not cache._cached_bytes


def _counts_more(cache: AppCache, size: int) -> bool:
    return bytes_of(cache) > size


async def test_files_of_ended_jobs_count_and_go_beyond_the_limit(
    tmp_path: Path, app_server: HttpAppServer, caplog: pytest.LogCaptureFixture
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    url = app_server.url("/app.tar.gz")
    async with cache_in(tmp_path, LIMITS) as cache:
        for number in range(12):
            app = await cache.prepare("app", url, cache=True)
            size = bytes_of(cache)
            (app.directory / f"out-{number}.txt").write_bytes(bytes(300_000))
            app.release()
            await until(partial(_is_measured, cache, size), "the size is measured")
        await until(lambda: disk_bytes(tmp_path) <= LIMITS.cache_bytes, "the cache fits its limit")
        # The app itself is kept: its server may be down.
        app_server.answers.clear()
        (await cache.prepare("app", url, cache=True)).release()
    assert "Jobs of app have written" in caplog.text
    assert len([1 for _, headers in app_server.requests if "If-None-Match" not in headers]) == 1


async def test_full_folder_of_one_app_drops_no_other(tmp_path: Path, app_server: HttpAppServer) -> None:
    for name in ("full", "other"):
        app_server.serve_body(f"/{name}.tar.gz", packed(**{"a.txt": name}))
    async with cache_in(tmp_path, LIMITS) as cache:
        other = await cache.prepare("other", app_server.url("/other.tar.gz"), cache=True)
        other.release()
        full = await cache.prepare("full", app_server.url("/full.tar.gz"), cache=True)
        (full.directory / "out.txt").write_bytes(bytes(2_000_000))
        full.release()
        await until(lambda: not full.directory.exists(), "the full folder is gone")
        await until(lambda: bytes_of(cache, "full") < LIMITS.cache_bytes, "it counts no more")
        assert other.directory.exists()
        assert len(cache.folders("full")) == 1


async def test_folder_that_is_held_and_outgrown_is_given_to_nobody_new(
    tmp_path: Path,
    app_server: HttpAppServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stock, "_LONGEST_SECONDS", 0.1)
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    url = app_server.url("/app.tar.gz")
    async with cache_in(tmp_path, LIMITS) as cache:
        held = await cache.prepare("app", url, cache=True)
        (held.directory / "out.txt").write_bytes(bytes(2_000_000))
        # Its growth is seen while it is held.
        with caplog.at_level(logging.WARNING):
            await until(lambda: bytes_of(cache) > 2_000_000, "what it wrote is counted")
        assert held.is_changed()
        assert held.is_spent()
        fresh = await cache.prepare("app", url, cache=True)
        assert not fresh.is_spent()
        assert fresh.directory != held.directory
        assert [path.name for path in fresh.directory.iterdir()] == ["a.txt"]
        assert (await cache.prepare("app", url, cache=True)).directory == fresh.directory
        held.release()
        await until(lambda: not held.directory.exists(), "the folder is gone")
    assert caplog.text.count("Jobs of app have written") == 1
    # It was extracted again, not downloaded.
    assert len([1 for _, headers in app_server.requests if "If-None-Match" not in headers]) == 1


async def test_app_that_is_large_by_itself_is_not_taken_for_outgrown(
    tmp_path: Path, app_server: HttpAppServer, caplog: pytest.LogCaptureFixture
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "x" * 2_000_000}))
    url = app_server.url("/app.tar.gz")
    async with cache_in(tmp_path, LIMITS) as cache:
        held = await cache.prepare("app", url, cache=True)
        await until(
            lambda: all(version.is_measured for version in cache._stock._versions), "all sizes are measured"
        )
        assert (await cache.prepare("app", url, cache=True)).directory == held.directory
    assert "have written" not in caplog.text


async def test_size_is_measured_again_after_a_restart(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path, LIMITS) as cache:
        app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        await until(
            lambda: '"app"' in (app.directory.parent / "version.json").read_text(),
            "the version is written down",
        )
    (app.directory / "out.txt").write_bytes(bytes(500_000))
    async with cache_in(tmp_path, LIMITS) as cache:
        # Nothing is prepared: the app may be disabled.
        await until(lambda: bytes_of(cache) > 500_000, "what it wrote is counted")
        assert [folder.path for folder in cache.folders("app")] == [str(app.directory)]
        assert cache.folders("other") == []
        assert cache.folders("") == cache.folders("app")


@pytest.mark.parametrize("use_cache", [True, False])
async def test_folder_is_shown_as_long_as_it_is_there(
    tmp_path: Path, app_server: HttpAppServer, use_cache: bool
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path) as cache:
        app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=use_cache)
        (folder,) = cache.folders("app")
        assert folder.path == str(app.directory)
        assert folder.size_bytes > 0
        app.release()
        assert len(cache.folders("app")) == int(use_cache)
        await cache.forget("app")
        assert cache.folders("app") == []


async def test_metric_is_the_sum_of_all_folders() -> None:
    metrics = Metrics()
    found: list[Sandbox] = [Sandbox("a", "", "/1", (), 1000), Sandbox("b", "", "/1", (), 24)]

    async def list_sandboxes(app_name: str) -> list[Sandbox]:
        assert app_name == ""
        if not found:
            raise UnavailableError("No scheduler leads.")
        return found

    watch = SandboxWatch(metrics, list_sandboxes)
    await watch.look()
    assert metrics.registry.get_sample_value("elasticjob_sandbox_bytes") == 1024
    found.clear()
    await watch.look()
    assert metrics.registry.get_sample_value("elasticjob_sandbox_bytes") == 0


async def test_folder_that_changes_all_the_time_is_measured_all_the_same(
    tmp_path: Path, app_server: HttpAppServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "_LONGEST_SECONDS", 0.05)
    app_server.serve_body("/app.tar.gz", packed(**{"a.txt": "one"}))
    async with cache_in(tmp_path, LIMITS) as cache:
        app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        script = "while true; do mkdir -p d; touch d/1 d/2 d/3; rm -r d; done"
        job = await asyncio.create_subprocess_exec("/bin/sh", "-c", script, cwd=app.directory)
        try:
            for number in range(1, 6):
                (app.directory / f"out-{number}.txt").write_bytes(bytes(100_000))
                await until(partial(_counts_more, cache, 100_000 * number), "what it wrote is counted")
        finally:
            job.kill()
            await job.wait()

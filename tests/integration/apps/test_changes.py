"""Jobs that change the folder that they run in, and servers that keep a start waiting: the next run has a whole app."""

import asyncio
import logging
import os
import subprocess
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppCache, AppLimits, PreparedApp, folder_hint
from elasticjob_cloud.agent.apps.versions.manifest import Inspection, write_manifest
from tests.integration.apps.app_caches import cache_in, is_empty, packed, text_of
from tests.integration.apps.app_servers import AppRequestHandler, HttpAppServer
from tests.waiting import until

pytestmark = pytest.mark.anyio
FILES = {
    "bin/run.sh": "#!/bin/sh\necho one\n",
    "lib/a.py": "A = 1\n",
    "start.sh": "echo start\n",
    "log.txt": "",
}
# The server's answer holds for the whole test, so that nothing but the files themselves tells of the change.
HOLDING = AppLimits(revalidate_seconds=600.0)
CHANGES = [
    "mv bin bin.old",
    "rm -rf ./*",
    "rm start.sh",
    "rm -r lib",
    "echo >> log.txt",
    "chmod 000 start.sh",
    "rm lib/a.py; ln -s ../log.txt lib/a.py",
    "cp -r bin b; rm -r bin; mv b bin",
    "rm start.sh; mkdir start.sh",
    "cd ..; rm -rf content",
    "cd ..; mv content elsewhere",
    "cd ..; rm -rf ./*",
]


def run(app: PreparedApp, command: str) -> None:
    subprocess.run(["/bin/sh", "-c", command], cwd=app.directory, check=False, capture_output=True)


def files_of(app: PreparedApp) -> dict[str, str]:
    paths = (path for path in app.directory.rglob("*") if path.is_file())
    return {str(path.relative_to(app.directory)): path.read_text() for path in paths}


def many() -> dict[str, str]:
    return FILES | {f"data/{number % 20}/{number}.txt": str(number) for number in range(300)}


@pytest.mark.parametrize("command", CHANGES)
@pytest.mark.parametrize("limits", [HOLDING, AppLimits(revalidate_seconds=0.0)], ids=["known", "asked"])
async def test_run_after_one_that_changed_its_folder_has_a_whole_app(
    tmp_path: Path, app_server: HttpAppServer, command: str, limits: AppLimits
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path, limits) as cache:
        for _ in range(3):
            app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
            assert files_of(app) == FILES
            run(app, command)
            app.release()
        await cache.forget("app")
        await until(lambda: is_empty(tmp_path), "the cache is empty")


async def test_single_file_that_removes_itself_is_there_again(
    tmp_path: Path, app_server: HttpAppServer, caplog: pytest.LogCaptureFixture
) -> None:
    app_server.serve_body("/run.sh", b'#!/bin/sh\nrm -- "$0"\n')
    async with cache_in(tmp_path, HOLDING) as cache:
        for _ in range(3):
            app = await cache.prepare("app", app_server.url("/run.sh"), cache=True)
            run(app, "./run.sh")
            assert not (app.directory / "run.sh").exists()
            app.release()
    assert caplog.text.count("A task has changed an app's files") == 1
    # What was downloaded is extracted again.
    assert len([1 for _, headers in app_server.requests if "If-None-Match" not in headers]) == 1


async def test_changed_app_is_whole_again_without_its_server(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path) as cache:
        app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        del app_server.answers["/app.tar.gz"]
        run(app, "rm -rf ./*")
        app.release()
    async with cache_in(tmp_path) as cache:
        assert files_of(await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)) == FILES


async def test_change_before_a_restart_is_seen(tmp_path: Path, app_server: HttpAppServer) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path) as cache:
        run(await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True), "mv bin bin.old")
    async with cache_in(tmp_path) as cache:
        assert files_of(await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)) == FILES


async def test_one_who_holds_a_changed_app_keeps_its_folder(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path, HOLDING) as cache:
        url = app_server.url("/app.tar.gz")
        held = await cache.prepare("app", url, cache=True)
        run(held, "mv bin bin.old")
        other = await cache.prepare("app", url, cache=True)
        assert other.directory != held.directory
        assert (held.directory / "bin.old").is_dir()
        held.release()
        await until(lambda: not held.directory.parent.exists(), "the folder that was changed is gone")
        assert files_of(other) == FILES


@pytest.mark.parametrize(
    "command",
    [
        "echo 1 > out.txt",
        "mkdir -p lib/__pycache__; echo > lib/__pycache__/a.pyc",
        "chmod +x start.sh",
        "cat log.txt",
    ],
)
async def test_what_a_job_adds_or_only_reads_changes_nothing(
    tmp_path: Path, app_server: HttpAppServer, command: str
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path, HOLDING) as cache:
        first = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        run(first, command)
        assert (
            await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
        ).directory == first.directory
    assert len(app_server.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["rm data/7/7.txt", "rm -r data/3", "rm -rf ./*", "echo > start.sh", "mv data/9 d"]
)
async def test_change_in_an_app_of_many_files_is_seen(
    tmp_path: Path, app_server: HttpAppServer, command: str
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**many()))
    async with cache_in(tmp_path, HOLDING) as cache:
        for _ in range(2):
            app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=True)
            assert len(files_of(app)) == len(many())
            run(app, f"echo 1 > data/5/new.txt; {command}")
            app.release()
    assert len(app_server.requests) <= 3


@pytest.mark.slow
async def test_look_at_an_app_of_thousands_of_files_is_cheap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, manifest = tmp_path / "content", tmp_path / "manifest"
    for folder in range(40):
        (content / str(folder)).mkdir(parents=True)
        for number in range(50):
            (content / str(folder) / f"{number}.txt").touch()
    write_manifest(content, manifest)
    inspection = Inspection(content, manifest)
    assert inspection.is_changed() is None
    assert inspection.look_closely() is None
    looked: list[object] = []
    real = os.lstat

    def counted(path: bytes) -> os.stat_result:
        looked.append(path)
        return real(path)

    monkeypatch.setattr(os, "lstat", counted)
    assert inspection.is_changed() is False
    monkeypatch.undo()
    assert len(looked) <= 250
    (content / "39" / "49.txt").unlink()
    assert inspection.is_changed() is not False
    assert inspection.look_closely() == "39/49.txt"


async def test_slow_server_holds_up_no_start_of_a_cached_app(
    tmp_path: Path, app_server: HttpAppServer, caplog: pytest.LogCaptureFixture
) -> None:
    limits = AppLimits(
        revalidate_seconds=0.0, answer_wait_seconds=0.1, revalidate_timeout_seconds=300.0, idle_seconds=300.0
    )
    url = app_server.url("/run.sh")
    async with cache_in(tmp_path, limits) as cache:
        app_server.serve_body("/run.sh", b"one")
        await cache.prepare("app", url, cache=True)
        app_server.answers["/run.sh"] = _answer_late
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                assert text_of(await cache.prepare("app", url, cache=True), "run.sh") == "one"
        # One question is under way for all of them, and what it brings is used.
        assert len(app_server.requests) == 2
        assert caplog.text.count("is used as fetched earlier") == 1
        app_server.released.set()
        await until(lambda: _version_text(cache) == "two", "the app is the second version")
        assert text_of(await cache.prepare("app", url, cache=True), "run.sh") == "two"
        await cache.forget("app")
        assert not any(entry.flight for entry in cache._entries.values())


def _answer_late(request: AppRequestHandler) -> None:
    request.server.released.wait(60)
    request.reply(200, b"two")


def _version_text(cache: AppCache) -> str:
    (entry,) = cache._entries.values()
    assert entry.version is not None
    return (entry.version.content / "run.sh").read_text()


async def test_question_that_goes_on_alone_is_ended_with_the_cache(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    limits = AppLimits(revalidate_seconds=0.0, answer_wait_seconds=0.1)
    cache = AppCache(tmp_path, limits)
    app_server.serve_body("/run.sh", b"one")
    (await cache.prepare("app", app_server.url("/run.sh"), cache=True)).release()
    app_server.answers["/run.sh"] = lambda request: request.hang()
    (await cache.prepare("app", app_server.url("/run.sh"), cache=True)).release()
    async with asyncio.timeout(20):
        await cache.close()
    assert [path.name for path in (tmp_path / "versions").iterdir()]


async def test_app_forgotten_while_its_server_is_slow_leaves_nothing(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    limits = AppLimits(revalidate_seconds=0.0, answer_wait_seconds=0.1)
    async with cache_in(tmp_path, limits) as cache:
        app_server.serve_body("/run.sh", b"one")
        (await cache.prepare("app", app_server.url("/run.sh"), cache=True)).release()
        app_server.answers["/run.sh"] = lambda request: request.hang()
        (await cache.prepare("app", app_server.url("/run.sh"), cache=True)).release()
        await cache.forget("app")
        app_server.released.set()
        await until(
            lambda: is_empty(tmp_path) and not cache._entries, "the cache is empty, on disk and in memory"
        )


@pytest.mark.parametrize("use_cache", [True, False])
async def test_holder_is_told_that_the_app_was_changed(
    tmp_path: Path, app_server: HttpAppServer, use_cache: bool
) -> None:
    app_server.serve_body("/app.tar.gz", packed(**FILES))
    async with cache_in(tmp_path) as cache:
        app = await cache.prepare("app", app_server.url("/app.tar.gz"), cache=use_cache)
        assert not app.is_changed()
        run(app, "echo >> log.txt")
        await until(app.is_changed, "the change is noticed")
        assert not app.is_spent()
        run(app, "mv bin bin.old")
        assert app.is_spent()


@pytest.mark.parametrize(
    "command, name",
    [
        ("bin/start.sh", "bin/start.sh"),
        ("./bin/start.sh --fast", "bin/start.sh"),
        ("bin\\start.sh", "bin/start.sh"),
        ("python3 main.py", "main.py"),
        ("exec sh 'bin/start.sh' | tee log", "bin/start.sh"),
        ("sh 'bin/start.sh", ""),
        ("main.sh", ""),
        ("ls -l; ./top.sh", ""),
        ("/bin/start.sh", ""),
        ("../my app-1.0/main.py", ""),
        ("", ""),
    ],
)
def test_command_below_the_one_top_folder_is_pointed_to(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "my app-1.0" / "bin").mkdir(parents=True)
    for path in ("my app-1.0/bin/start.sh", "my app-1.0/main.py", "top.sh"):
        (tmp_path / path).touch()
    hint = folder_hint(str(tmp_path), command)
    expected = f" ({name} is in the app's folder my app-1.0: begin the command with `cd 'my app-1.0' && `)"
    assert hint == (expected if name else "")
    assert folder_hint(str(tmp_path / "none"), command) == ""

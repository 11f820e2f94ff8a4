"""A real server with the built console, and a real Chromium. `make browser` builds what is needed.

A test takes `console`: a page of its own in a new browser profile. When it ends, it fails if the page's policy was
violated or an error was left uncaught (watch.py). Each worker has one server: tests name their own jobs and apps.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.standalone import Standalone
from tests.browser.viewer.console import Console, admin_server, opened_console
from tests.browser.viewer.watch import Watch

_CHROMIUM_NAMES = ("chromium", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, headless."""
    path = next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)
    if path is None:
        problem = "NOT TESTED: needs Chromium, on Debian: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    # As root it has no sandbox; /dev/shm is small in containers.
    options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A standalone server with real passwords, an agent and the console; `call` and its kin are the admin's."""
    with admin_server(tmp_path_factory.mktemp("server") / "data") as standalone:
        yield standalone


@pytest.fixture
def watch() -> Watch:
    """What is watched while a test runs; `watch.forgive(pattern)` expects a fault."""
    return Watch()


@pytest.fixture
def console(chromium: Browser, server: Standalone, watch: Watch) -> Iterator[Console]:
    """The console in a browser of its own, not logged in yet; in English, light, UTC."""
    with opened_console(chromium, server, watch) as opened:
        yield opened

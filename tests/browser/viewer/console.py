"""The console as a person uses it: opened in a browser, logged in, in a language and a theme."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from elasticjob_cloud.api.console.files import ConsoleFiles
from tests.acceptance.standalone import Standalone
from tests.browser.viewer.watch import Watch
from tests.checkout import ROOT

ADMIN, ADMIN_PASSWORD = "root", "correct horse battery"
VIEWER, VIEWER_PASSWORD = "guest", "staple of a horse"
SETTINGS = {"ADMIN_PASSWORD": ADMIN_PASSWORD, "GUEST_PASSWORD": VIEWER_PASSWORD}
_TIMEOUT_MS = 15_000
_AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
# As console/src/app/preferences.ts keeps them.
_PREFERENCES = "elasticjob-console"
_RUN_AXE = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


def new_session(context: BrowserContext, url: str, username: str, password: str) -> None:
    """Log a browser in, as the login page would."""
    answer = context.request.post(
        f"{url}/api/login",
        data={"username": username, "password": password, "session": True},
        headers={"X-Elasticjob-Console": "1"},
    )
    assert answer.ok, answer.text()


@dataclass
class Console:
    """One browser's page of a running server's console.

    `page` is Playwright's; `server` is what the test prepares (`server.register`, `server.call`).
    """

    page: Page
    server: Standalone
    url: str

    def log_in(self, username: str = ADMIN, password: str = ADMIN_PASSWORD) -> None:
        """Have a session."""
        new_session(self.page.context, self.url, username, password)

    def log_in_as_viewer(self) -> None:
        """Have the session of one who may only look."""
        self.log_in(VIEWER, VIEWER_PASSWORD)

    def prefer(self, *, language: str = "en", theme: str = "light", zone: str = "utc") -> None:
        """Have chosen a language (`en`, `zh`), a theme (`light`, `dark`) and a zone, for pages that are opened after."""
        chosen = json.dumps({"language": language, "theme": theme, "zone": zone})
        # Once: what a test then chooses in the page is to survive a reload.
        self.page.context.add_init_script(
            f"""if (!sessionStorage.getItem("preferred") && location.protocol.startsWith("http")) {{
              localStorage.setItem({json.dumps(_PREFERENCES)}, {json.dumps(chosen)});
              sessionStorage.setItem("preferred", "1");
            }}"""
        )

    def open(self, path: str) -> None:
        """Open a page, and wait until its heading is there."""
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        self.page.get_by_role("heading", level=1).wait_for()

    def axe_findings(self) -> list[str]:
        """Say what keeps people from using what is shown now (axe), a line each."""
        self.page.evaluate(_axe_source())
        findings: list[dict[str, Any]] = self.page.evaluate(_RUN_AXE)
        return [
            f"{each['id']} ({each['impact']}): {node['html'][:200]}"
            for each in findings
            for node in each["nodes"]
        ]


@contextmanager
def opened_console(chromium: Browser, server: Standalone, watch: Watch) -> Iterator[Console]:
    """A server's console in a browser of its own, not logged in yet; in English, light, UTC."""
    context = chromium.new_context(
        locale="en-GB",
        timezone_id="UTC",
        viewport={"width": 1280, "height": 800},
        color_scheme="light",
    )
    context.set_default_timeout(_TIMEOUT_MS)
    watch.watch(context)
    yield Console(context.new_page(), server, server.url)
    context.close()
    watch.check()


@lru_cache(maxsize=1)
def _axe_source() -> str:
    return _AXE.read_text(encoding="utf-8")


@contextmanager
def admin_server(data_dir: Path) -> Iterator[Standalone]:
    """Start a server with real passwords, an agent and the console; `call` and its kin are the admin's."""
    assert ConsoleFiles.built(), "the console is not built: run make console"
    with Standalone(data_dir, auth=True, settings=SETTINGS) as standalone:
        login = {"username": ADMIN, "password": ADMIN_PASSWORD}
        standalone.client.headers["accessToken"] = standalone.call("POST", "/login", login)["accessToken"]
        yield standalone

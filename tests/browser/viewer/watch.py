"""What went wrong in a page while a test used it, though the test may not have looked there."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

# A lost link or an expired session is what some tests are about: the page has to show it, and Chromium notes it.
_NETWORK = re.compile(r"Failed to load resource: ")
_REPORT = """addEventListener("securitypolicyviolation", (event) => window.reportViolation(
  `${event.effectiveDirective} of ${event.documentURI}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))"""


@dataclass
class Watch:
    """Violations of the page's policy, errors that nobody caught, and errors in the browser's console."""

    faults: list[str] = field(default_factory=list)
    _forgiven: list[re.Pattern[str]] = field(default_factory=list)

    def forgive(self, pattern: str) -> None:
        """Expect faults that match."""
        self._forgiven.append(re.compile(pattern))

    def watch(self, context: BrowserContext) -> None:
        """Watch all pages of a context that are opened from now on."""
        context.expose_binding("reportViolation", self._note_violation)
        context.add_init_script(_REPORT)
        context.on("page", self._watch_page)

    def check(self) -> None:
        """Fail if there was anything that is not forgiven."""
        faults = [fault for fault in self.faults if not any(each.search(fault) for each in self._forgiven)]
        assert not faults, "in the browser: " + "; ".join(faults)

    def _watch_page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("console", self._note_message)

    def _note_violation(self, _source: Any, text: str) -> None:
        self.faults.append(f"policy violated: {text}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _NETWORK.match(message.text):
            self.faults.append(f"console: {message.text}")

# ruff: noqa: INP001, T201 - a script: no package, and it prints
"""Fail if a page of the built site would load something from another host.

    python scripts/site_requests.py SITE

Links that people follow may lead anywhere. What a page loads by itself must be in the site.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADING = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src")}
_LOADING_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch"}
_OUTSIDE = re.compile(r"^(?:https?:)?//")
_CSS_URL = re.compile(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")


class Loads(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of one tag; and diagrams, for which the theme loads a library."""
        values = {name: value or "" for name, value in attrs}
        addresses = [value for name, value in values.items() if (tag, name) in _LOADING]
        if tag == "link" and _LOADING_LINKS & set(values.get("rel", "").split()):
            addresses.append(values.get("href", ""))
        self.outside += [address for address in addresses if _OUTSIDE.match(address)]
        if "mermaid" in values.get("class", "").split():
            self.outside.append("the library for Mermaid diagrams")


def outside_loads(site: Path) -> Iterator[tuple[Path, str]]:
    """Give each file of a site with what it would load from another host."""
    for page in sorted(site.rglob("*.html")):
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        yield from ((page, address) for address in loads.outside)
    for sheet in sorted(site.rglob("*.css")):
        yield from ((sheet, address) for address in _CSS_URL.findall(sheet.read_text(encoding="utf-8")))


def main() -> int:
    """Print what was found; the exit code is 1 if there is any."""
    site = Path(sys.argv[1])
    if not (site / "index.html").exists():
        print(f"Error: {site} has no index.html. Build the site first: make docs", file=sys.stderr)
        return 2
    found = list(outside_loads(site))
    for path, address in found:
        print(f"{path}: loads {address}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

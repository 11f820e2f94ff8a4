"""Keeps web pages out of a server that asks for no password, or for one that everybody knows.

Such a server listens on loopback only, but a browser on the same machine reaches loopback too, on behalf of any page
that it shows: with a request from another site (CSRF), or under a host name that the page's owner has pointed to
127.0.0.1 (DNS rebinding). The first shows in `Origin` and `Sec-Fetch-Site`, the second in `Host`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import ForbiddenError
from elasticjob_cloud.model.urls import is_loopback


class BrowserGuard:
    """Refuses requests that a page of another site may have sent."""

    def __init__(self, allowed_hosts: tuple[str, ...], *, every_request: bool) -> None:
        """Make a guard.

        Args:
            allowed_hosts: Names of this server besides loopback's.
            every_request: Check `Host` of each request; otherwise only of those that say they come from a page.
        """
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._every_request = every_request

    def check(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Let a request pass, or raise `ForbiddenError`."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        origin = headers.get(b"origin")
        if origin is not None and _authority_of(origin.decode("latin-1").lower()) != host:
            raise ForbiddenError(
                f"This request comes from a page of another site ({shown(origin.decode('latin-1'))}); "
                "without a password of its own the scheduler takes none from there. Set one, and log in."
            )
        site = headers.get(b"sec-fetch-site", b"none")
        if site not in {b"none", b"same-origin"} and not _is_link(method, headers):
            raise ForbiddenError(
                "This request comes from a page of another site; without a password of its own the scheduler takes "
                "none from there. Set one, and log in."
            )
        # HTTP/1.0 knows no Host; every browser sends one.
        named = self._every_request and b"host" in headers
        if (named or origin is not None) and not self._is_own(host):
            raise ForbiddenError(
                f"This server is not known as '{shown(host)}': without a password of its own it answers under "
                "localhost and 127.0.0.1 only. Use one of these, or set a password."
            )

    def _is_own(self, authority: str) -> bool:
        try:
            host = urlsplit(f"//{authority}").hostname or ""
        except ValueError:
            return False
        return is_loopback(host) or host in self._allowed_hosts


def _authority_of(origin: str) -> str | None:
    scheme, separator, authority = origin.partition("://")
    return authority if separator and scheme in {"http", "https"} else None


def _is_link(method: str, headers: Mapping[bytes, bytes]) -> bool:
    # Following a link to the console changes nothing, and the page that holds the link cannot read what it leads to.
    navigates = (
        headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"
    )
    return method == "GET" and navigates

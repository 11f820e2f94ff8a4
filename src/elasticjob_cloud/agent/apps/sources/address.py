"""An app's URL, taken apart once: what may be fetched, what may be shown, and what the file is called."""

import re
import urllib.parse
from dataclasses import dataclass
from typing import Self

from elasticjob_cloud.agent.apps.errors import FetchError

_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "file": None}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_MAXIMUM_NAME_BYTES = 200


def safe_name(name: str) -> str:
    """Make what somebody calls a file the name of one; empty when nothing is left."""
    name = _UNPRINTABLE.sub("_", name).replace("/", "_")
    if not name.strip("."):
        return ""
    # The end is kept, since the suffix says what the file is.
    return name.encode("utf-8", "replace")[-_MAXIMUM_NAME_BYTES:].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class AppAddress:
    """A checked `appURL`. `path` is as in the URL, still percent-encoded; user and password are decoded."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart. Raises `FetchError` when it is none of http, https, ftp and file."""
        if _UNPRINTABLE.search(url):
            raise FetchError("the URL has control characters, which no URL may have.")
        try:
            parts = urllib.parse.urlsplit(url)
            port = parts.port
        except ValueError:
            # Its text repeats parts of the URL, perhaps the password.
            raise FetchError("the URL is malformed: check its host and port.") from None
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            raise FetchError("the URL must begin with http:, https:, ftp: or file:.")
        host = (parts.hostname or "").lower()
        if scheme == "file" and host not in {"", "localhost"}:
            raise FetchError("a file: URL names a path of this machine, and so has no host.")
        if scheme != "file" and not host:
            raise FetchError("the URL has no host.")
        return cls(
            scheme=scheme,
            host="" if scheme == "file" else host,
            port=port or _DEFAULT_PORTS[scheme],
            path=parts.path or "/",
            query=parts.query,
            user=urllib.parse.unquote(parts.username or ""),
            password=urllib.parse.unquote(parts.password or ""),
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port: what credentials belong to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def shown(self) -> str:
        """The URL for messages and logs: without user and password, nor the query, which may hold a signature."""
        return self.origin + self.path + ("?..." if self.query else "")

    @property
    def request_url(self) -> str:
        """The URL to send, without user and password."""
        return self.origin + self.path + (f"?{self.query}" if self.query else "")

    @property
    def local_path(self) -> str:
        """The path, decoded."""
        return urllib.parse.unquote(self.path, errors="surrogateescape")

    @property
    def base_name(self) -> str:
        """The last part of the path, decoded, and safe as a file name; may be empty."""
        return safe_name(urllib.parse.unquote(self.path.rsplit("/", 1)[-1]))

    def require_allowed(self, prefixes: tuple[str, ...]) -> None:
        """Raise `FetchError` unless one of these prefixes allows the URL."""
        if not any(self._is_under(prefix) for prefix in prefixes):
            raise FetchError(f"the setting for allowed URL prefixes does not allow {self.shown}.")

    def hide(self, text: str) -> str:
        """Remove the password from what a server or library said."""
        return text.replace(self.password, "***") if self.password else text

    def _is_under(self, prefix: str) -> bool:
        # Part by part: as plain text, `http://apps` would also allow `http://apps.evil.example` and `http://apps@evil`.
        scheme, _, rest = prefix.partition(":")
        if scheme.lower() != self.scheme:
            return False
        if rest in {"", "//"}:
            return True
        try:
            allowed = AppAddress.parse(prefix)
        except FetchError:
            return False
        if (allowed.host, allowed.port) != (self.host, self.port):
            return False
        climbs = ".." in self.local_path.replace("\\", "/").split("/")
        return allowed.path == "/" or (self.local_path.startswith(allowed.local_path) and not climbs)

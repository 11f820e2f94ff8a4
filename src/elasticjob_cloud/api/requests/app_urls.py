"""Which URLs an app may come from: those that begin with a prefix that the settings allow."""

from collections.abc import Sequence
from urllib.parse import SplitResult, unquote, urlsplit


def is_allowed(url: str, prefixes: Sequence[str]) -> bool:
    """Tell whether a valid `appURL` is below one of the prefixes.

    Part by part, not as text: `http://apps.example.com` allows neither `http://apps.example.com.evil.org` nor
    `http://apps.example.com@evil.org`, and `https://host/apps` allows neither `/apps-old` nor `/apps/../secret`.
    """
    return any(_is_below(urlsplit(url), urlsplit(prefix)) for prefix in prefixes)


def _is_below(url: SplitResult, prefix: SplitResult) -> bool:
    if url.scheme != prefix.scheme:
        return False
    if prefix.netloc and (url.hostname, url.port, url.username) != (
        prefix.hostname,
        prefix.port,
        prefix.username,
    ):
        return False
    folder = prefix.path.rstrip("/")
    if not folder:
        return True
    path = unquote(url.path)
    return (path == folder or path.startswith(f"{folder}/")) and ".." not in path.replace("\\", "/").split(
        "/"
    )

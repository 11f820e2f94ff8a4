"""Addresses and URLs: what loopback is, and which schemes are known. Standard library only, quick to import."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HTTP_SCHEMES: Final = ("http", "https")
# Where the archive of an app may come from; `file` only where the settings allow it.
APP_SCHEMES: Final = (*HTTP_SCHEMES, "ftp", "file")


def parse_address(text: str) -> Address | None:
    """Read an IP address; one of IPv4 that is written as IPv6 (`::ffff:127.0.0.1`) is one of IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone: `localhost`, or an address of loopback, in brackets or without."""
    if host == "localhost":
        return True
    address = parse_address(host.strip("[]"))
    return address is not None and address.is_loopback


def is_http_url(url: str) -> bool:
    """Tell whether this is a URL with `http` or `https`, a host, and a port that can be connected to, if any."""
    try:
        parts = urlsplit(url)
        # A port is looked at when it is asked for.
        return parts.scheme in HTTP_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, a bracket that nobody closed
        return False


def url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    """Say what is wrong with a URL, or None when it is complete and has one of these schemes."""
    if not url.isprintable() or " " in url:
        return "must be a URL without white space and control characters; write a space as %20."
    try:
        parts = urlsplit(url)
        scheme, host, _port = parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        return f"is not a URL: {error}."
    if scheme not in schemes:
        return f"must begin with {', '.join(f'{each}://' for each in schemes[:-1])} or {schemes[-1]}://."
    if scheme == "file":
        return None if parts.path.startswith("/") else "must name a file: file:///path/to/my-job.tar.gz."
    return None if host else f"names no host: {scheme}://host/path."

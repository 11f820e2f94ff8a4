"""Database URLs: read so that no part of a password is ever taken for something that a message may show."""

import re
from typing import Final
from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from elasticjob_cloud.model.errors import StartError

GIVE_ONE: Final = "Give one such as sqlite:////var/lib/elasticjob/cloud.db or postgresql://user:password@host:5432/database."
_ENCODE: Final = (
    "The database URL has an @ whose meaning is not clear. In the user, the password and after the ? write %40 for @, "
    "%2F for /, %3A for :, %3F for ? and %23 for #."
)
_POSTGRESQL: Final = re.compile(r"(postgres(?:ql)?(?:\+\w+)?)://(.*)", re.IGNORECASE)
# A user with a slash, or a query: then the @ is in the name or the query, as far as anybody can tell.
_NO_LOGIN: Final = re.compile(r"^[^:]*[/?]|\?.*=")
_PORT_LIMIT: Final = 65_536
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


def parse_database_url(text: str) -> URL:
    """Read a URL as people write them: `postgres://` too, white space around it, and as libpq has several hosts.

    Raises:
        StartError: it cannot be read. Neither the message nor its cause shows any of the URL but its scheme.
    """
    text = text.strip().removeprefix("\ufeff").strip()
    if _UNPRINTABLE.search(text):
        raise StartError("The database URL has a line break or another control character inside. Remove it.")
    found = _POSTGRESQL.fullmatch(text)
    if found is None:
        url = _parse(text)
        return url.set(drivername=url.drivername.lower())
    scheme = re.sub(r"^postgres(?=\+|$)", "postgresql", found[1].lower())
    login, address, rest = _split(found[2])
    url = _parse(f"{scheme}:///{rest}")
    if login is not None:
        user, colon, password = login.partition(":")
        url = url.set(username=unquote(user))
        url = url.set(password=unquote(password)) if colon else url
    return _with_hosts(_move_login(url), address)


def shown_name(url: URL) -> str:
    """Give what a message may say of a server's database: where it is, and its name."""
    hosts = _listed(url.query.get("host")) or ([url.host] if url.host else [])
    ports = _listed(url.query.get("port")) or ([str(url.port)] if url.port else [])
    if len(ports) < len(hosts):
        ports = (ports or [""]) * len(hosts)
    places = [
        _bracketed(host) + (f":{port}" if port else "") for host, port in zip(hosts, ports, strict=False)
    ]
    return f"{','.join(places) or 'on this machine'}/{url.database or ''}"


def first_address(url: URL) -> tuple[str | None, int | None]:
    """Give the host, or the first of several, and its port."""
    host = next(iter(_listed(url.query.get("host"))), url.host)
    port = next(iter(_listed(url.query.get("port"))), "")
    return host, int(port) if port.isdigit() else url.port


def _parse(text: str) -> URL:
    # Not raised from what failed, nor within: that shows parts of the URL.
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        pass
    raise StartError(f"The database URL cannot be read. {GIVE_ONE}")


def _split(text: str) -> tuple[str | None, str, str]:
    """Split what follows the scheme into the login, the address, and the rest: the name with the query."""
    login, _, text = text.partition("@") if "@" in text else (None, "", text)
    address, rest = _cut(text)
    if "@" in address and login is not None:
        # Only the login can have it: in a host's name it means nothing.
        more, _, address = address.rpartition("@")
        login = f"{login}@{more}"
    if "@" in rest or (login is not None and _NO_LOGIN.search(login)):
        raise StartError(_ENCODE)
    return login, address, rest


def _cut(text: str) -> tuple[str, str]:
    """Cut off the address, which ends where the name or the query begins."""
    end = re.search(r"[/?]", text)
    if end is None:
        return text, ""
    return text[: end.start()], text[end.start() :].removeprefix("/")


def _with_hosts(url: URL, address: str) -> URL:
    hosts, ports = [], []
    for part in address.split(","):
        found = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(\d*))?", part)
        if found is None or int(found[2] or 1) not in range(1, _PORT_LIMIT):
            raise StartError(f"The database URL cannot be read: its host or port is not valid. {GIVE_ONE}")
        hosts.append(unquote(found[1].strip("[]")))
        ports.append(found[2] or "")
    if len(hosts) == 1:
        return url.set(host=hosts[0] or None, port=int(ports[0]) if ports[0] else None)
    several = {"host": ",".join(hosts)}
    if any(ports):
        several["port"] = ",".join(ports)
    return url.update_query_dict({**several, **url.query})


def _move_login(url: URL) -> URL:
    """Take the user and the password out of the query, which whoever shows a URL shows too."""
    for name, field in (("user", "username"), ("password", "password")):
        value = url.query.get(name)
        if value is not None:
            url = url.set(**{field: value if isinstance(value, str) else value[-1]})  # type: ignore[arg-type]  # one of the two
    return url.difference_update_query(["user", "password"])


def _listed(value: str | tuple[str, ...] | None) -> list[str]:
    """Give the hosts or ports that a query names, each once or with commas."""
    values = (value,) if isinstance(value, str) else value or ()
    return [part for each in values for part in each.split(",")]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""Where this machine listens, and where others find it."""

import socket

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store.databases.url import first_address, parse_database_url

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - to be recognised, not to be listened on
_POSTGRESQL_PORT = 5432


def listen(host: str, port: int) -> socket.socket:
    """Listen; port 0 takes a free one.

    Raises:
        StartError: the address is taken, or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        hint = "Choose another with --port, or stop what listens there." if port else "Check --host."
        message = f"Cannot listen on {host}:{port}: {error.strerror or error}. {hint}"
        raise StartError(message) from error
    return listener


def server_url(host: str, port: int) -> str:
    """Give the URL of a server that listens on this address."""
    return f"http://[{host}]:{port}" if ":" in host and not host.startswith("[") else f"http://{host}:{port}"


def advertised_url(host: str, port: int, database_url: str) -> str:
    """Give the URL under which other schedulers reach this one.

    Where it listens on every address: the address that this machine has towards the database, for that is where the
    other schedulers are too; else the machine's name.
    """
    if host.strip("[]") not in _EVERY_ADDRESS:
        return server_url(host, port)
    database_host, database_port = first_address(parse_database_url(database_url))
    return server_url(_address_towards(database_host, database_port or _POSTGRESQL_PORT), port)


def _address_towards(host: str | None, port: int) -> str:
    if not host or host.startswith("/"):  # a file, or a socket of this machine
        return socket.gethostname()
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)  # sends nothing: it chooses a route
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()

"""How much of the server one caller may have, before any login (docs/security.md)."""

from dataclasses import dataclass
from typing import Final

KIBIBYTE: Final = 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of connections and requests.

    Attributes:
        request_line_bytes: The longest request line.
        header_bytes: The most bytes of all headers, and of all trailers and chunk extensions.
        header_count: The most headers: many tiny ones cost more than few long ones.
        header_seconds: How long the headers of a request may take.
        stall_seconds: How long a body may bring nothing, or an answer go unread.
        body_seconds: How long a body may take in all.
        unread_body_bytes: How much of a body is still taken in after its request was answered.
        connections: The most connections in all.
        address_connections: The most connections from one address.
    """

    request_line_bytes: int = 8 * KIBIBYTE
    header_bytes: int = 64 * KIBIBYTE
    header_count: int = 256
    header_seconds: float = 10.0
    stall_seconds: float = 30.0
    body_seconds: float = 300.0
    unread_body_bytes: int = 2 * KIBIBYTE * KIBIBYTE
    connections: int = 4096
    address_connections: int = 512

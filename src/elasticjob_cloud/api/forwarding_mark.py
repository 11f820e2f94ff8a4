"""How one scheduler tells another that it has passed a call on, and proves that it is one: by the key that they share."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

MARK: Final = b"x-elasticjob-forwarded"
FORWARDED_FOR: Final = b"x-forwarded-for"
_UNSIGNED: Final = b"unsigned"
# Clocks of machines differ somewhat. Who overhears a mark could use it for so long, to hide an address behind another.
_VALID_SECONDS: Final = 300.0

Headers = Sequence[tuple[bytes, bytes]]


class ForwardingMark:
    """Puts marks on calls that are passed on, and reads those of others."""

    def __init__(self, secret: bytes | None, wall_seconds: Callable[[], float]) -> None:
        """Use the key that signs tokens; None: there is none (`no_auth`), so that no address is believed."""
        self._secret = secret
        self._wall_seconds = wall_seconds

    def of_call(self, headers: Headers, peer: str) -> list[tuple[bytes, bytes]]:
        """Give the headers that tell of the caller, in the place of those that came with the call."""
        before = _joined(headers)
        forwarded_for = b", ".join(part for part in (before, peer.encode("latin-1", "replace")) if part)
        return [(FORWARDED_FOR, forwarded_for), (MARK, self._sign(forwarded_for))]

    def is_on(self, headers: Headers) -> bool:
        """Tell whether a call was passed on already, as it says."""
        return any(name == MARK for name, _ in headers)

    def client_of(self, headers: Headers) -> str | None:
        """Give the address that a scheduler has passed this call on for; None when no scheduler says so."""
        mark = next((value for name, value in headers if name == MARK), b"")
        seconds, _, signature = mark.partition(b".")
        if self._secret is None or not seconds.isdigit() or len(seconds) > 12:
            return None
        if abs(self._wall_seconds() - int(seconds)) > _VALID_SECONDS:
            return None
        forwarded_for = _joined(headers)
        if not hmac.compare_digest(signature, self._signature(seconds, forwarded_for)):
            return None
        return forwarded_for.rpartition(b",")[2].strip().decode("latin-1")

    def _sign(self, forwarded_for: bytes) -> bytes:
        seconds = str(int(self._wall_seconds())).encode()
        return _UNSIGNED if self._secret is None else seconds + b"." + self._signature(seconds, forwarded_for)

    def _signature(self, seconds: bytes, forwarded_for: bytes) -> bytes:
        assert self._secret is not None
        text = b"\n".join((MARK, seconds, forwarded_for))
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest().encode()


def _joined(headers: Headers) -> bytes:
    return b", ".join(value for name, value in headers if name == FORWARDED_FOR)

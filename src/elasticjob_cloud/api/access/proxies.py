"""Whose word about a caller's address is believed: that of the proxies that the operator named."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.types import Scope

from elasticjob_cloud.model.urls import parse_address

_X_FORWARDED_FOR: Final = b"x-forwarded-for"
_FORWARDED: Final = b"forwarded"

Headers = Iterable[tuple[bytes, bytes]]


class TrustedProxies:
    """Finds the address of a caller behind them."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Make one from addresses and CIDR networks, as `trusted_proxies` has them."""
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a proxy whose word is believed."""
        parsed = parse_address(address) if self._networks else None
        return parsed is not None and any(parsed in network for network in self._networks)

    def with_caller(self, scope: Scope) -> Scope:
        """Give the scope with the caller's address, where a trusted proxy says it."""
        client = scope.get("client")
        if client is None or not self.trusts(client[0]):
            return scope
        address = self.caller_of(client[0], scope["headers"])
        return scope if address == client[0] else {**scope, "client": (address, 0)}

    def caller_of(self, peer: str, headers: Headers) -> str:
        """Give the last address that is no trusted proxy's: what stands left of it, the caller may have made up.

        A proxy adds to one of the two headers, and may let the other through as it came. Where they tell different
        callers, neither is believed.
        """
        chains = [chain for chain in (_x_forwarded_for(headers), _forwarded(headers)) if chain]
        callers = {self._last_stranger(peer, chain) for chain in chains}
        return callers.pop() if len(callers) == 1 else peer

    def _last_stranger(self, peer: str, chain: Sequence[str]) -> str:
        last = peer
        for text in reversed(chain):
            parsed = parse_address(_without_port(text))
            if parsed is None:
                break  # "unknown", or nonsense: no more is known than who said it
            last = str(parsed)
            if not self.trusts(last):
                break
        return last


def _x_forwarded_for(headers: Headers) -> list[str]:
    return [part.strip() for part in _joined(headers, _X_FORWARDED_FOR).split(",") if part.strip()]


def _forwarded(headers: Headers) -> list[str]:
    """Give the `for=` of each hop; "" for a hop without one."""
    chain = []
    for element in filter(str.strip, _joined(headers, _FORWARDED).split(",")):
        pairs = [pair.partition("=") for pair in element.split(";")]
        named = [value.strip().strip('"') for key, _, value in pairs if key.strip().lower() == "for"]
        chain.append(named[-1] if named else "")
    return chain


def _joined(headers: Headers, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text

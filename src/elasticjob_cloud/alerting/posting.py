"""One HTTP POST of a channel: bounded in time and bytes. Secrets leave neither the host nor the protocol that was named."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from elasticjob_cloud.alerting.errors import DeliveryError
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.trust import certificate_fault, trusted_context

_MOST_REDIRECTS: Final = 3
_MOST_BYTES: Final = 65_536  # of an answer
_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 10.0
_TOTAL_SECONDS: Final = 15.0
# The same message would be refused again. All others may work later, when somebody has set things right.
_FINAL: Final = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Post:
    """A request."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status from 200 to 299."""

    status: int
    text: str


def new_client() -> httpx.AsyncClient:
    """Make the client that all channels share."""
    return httpx.AsyncClient(
        verify=trusted_context(),
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        headers={"User-Agent": "elasticjob-cloud"},
    )


async def send_post(client: httpx.AsyncClient, channel: Channel, post: Post) -> Answer:
    """Send a request, and give the answer if it is good.

    Raises:
        DeliveryError: There was none in time, or a bad one.
    """
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            return await _exchange(client, channel, post)
    except (TimeoutError, httpx.TimeoutException):
        raise DeliveryError(f"{channel.shown_url} did not answer in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = channel.redact(certificate_fault(error) or str(error)) or type(error).__name__
        raise DeliveryError(f"{channel.shown_url} cannot be reached: {reason}") from None


async def _exchange(client: httpx.AsyncClient, channel: Channel, post: Post) -> Answer:
    url = httpx.URL(post.url)
    for _ in range(_MOST_REDIRECTS + 1):
        headers = {"Content-Type": "application/json; charset=utf-8", **post.headers}
        async with client.stream("POST", url, content=post.body, headers=headers) as response:
            if not response.has_redirect_location:
                return await _read(channel, response)
            url = _followed(channel, url, response)
    raise DeliveryError(f"{channel.shown_url} redirects more than {_MOST_REDIRECTS} times.")


def _followed(channel: Channel, url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        target = url.join(response.headers["Location"])
    except httpx.InvalidURL:
        raise DeliveryError(f"{channel.shown_url} redirects to no URL.") from None
    if response.status_code not in {307, 308} or _origin(target) != _origin(url):
        raise DeliveryError(
            f"{channel.shown_url} redirects ({response.status_code}) to another address. If that is right, set it as the URL."
        )
    return target.copy_with(username=url.username, password=url.password) if url.userinfo else target


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _read(channel: Channel, response: httpx.Response) -> Answer:
    data = b""
    async for part in response.aiter_bytes():
        data += part
        if len(data) >= _MOST_BYTES:
            break
    text = data[:_MOST_BYTES].decode("utf-8", "replace")
    if response.is_success:
        return Answer(response.status_code, text)
    told = channel.redact(" ".join(text.split())[:300])
    raise DeliveryError(
        f"{channel.shown_url} answered {response.status_code}{': ' + told if told else '.'}",
        is_final=response.status_code in _FINAL,
        retry_after_seconds=_retry_after(response),
    )


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else 0

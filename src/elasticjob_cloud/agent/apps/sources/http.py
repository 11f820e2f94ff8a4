"""Apps from http and https servers."""

import contextlib
import email.message
import email.utils
import logging
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx

from elasticjob_cloud.agent.apps.archives.kinds import archive_kind
from elasticjob_cloud.agent.apps.archives.recognition import KNOWN_ENCODINGS
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress, safe_name
from elasticjob_cloud.agent.apps.sources.fetching import DownloadFile, Fetched, Validator
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.model.errors import CallerError
from elasticjob_cloud.model.trust import trusted_context

T = TypeVar("T")

_MAXIMUM_REDIRECTS = 5
_CA_ADVICE = (
    "An authority of your own: name its PEM file by --ca-file or ELASTICJOB_CA_FILE of the scheduler."
)
_WRITE_BYTES = 1024**2
# Last-Modified knows whole seconds: a file that changed this shortly before may change again unseen (RFC 9110, 8.8.2.2).
_UNSURE_SECONDS = 2.0


class HttpSource:
    """Fetches by GET, with `If-None-Match` and `If-Modified-Since` when a version is there."""

    def __init__(self, limits: AppLimits, executor: Executor) -> None:
        self._limits = limits
        self._executor = executor
        _hush_http_logs()

    async def load_certificates(self) -> None:
        """Read the hundreds of certificates that servers are checked by: too long for the loop, or for a time limit."""
        with contextlib.suppress(FetchError):
            # A download that needs them says what is wrong.
            await self._read_certificates()

    async def _read_certificates(self) -> ssl.SSLContext:
        try:
            return await self._run(partial(trusted_context, self._limits.ca_file))
        except CallerError as error:
            raise FetchError(str(error)) from error

    async def fetch(
        self, address: AppAddress, validator: Validator, target: Path, answered: Callable[[], None]
    ) -> Fetched | None:
        """See `Source.fetch`."""
        try:
            tls = await self._read_certificates()
        except FetchError:
            if address.scheme == "https":
                raise
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            async with (
                self._new_client(tls, validator) as client,
                self._get(client, address) as response,
            ):
                answered()
                if response.status_code == HTTPStatus.NOT_MODIFIED and validator:
                    return None
                _require_success(response, address)
                sha256 = await self._write_body(response, target)
                headers = response.headers
                return Fetched(_validator(headers), sha256, _encodings(headers), _served_name(headers))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise FetchError(address.hide(_explain(error, self._limits))) from error

    def _new_client(self, tls: ssl.SSLContext, validator: Validator) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self._limits.idle_seconds, connect=self._limits.connect_seconds)
        try:
            # One for each download, so that apps share neither cookies nor a pool that one of them could exhaust.
            return httpx.AsyncClient(verify=tls, timeout=timeout, headers=_request_headers(validator))
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise FetchError("the proxy that the agent's environment names cannot be used.") from error

    @asynccontextmanager
    async def _get(self, client: httpx.AsyncClient, start: AppAddress) -> AsyncIterator[httpx.Response]:
        # Redirects are followed here, since httpx would ask nobody whether the new place is allowed.
        address = start
        for _ in range(_MAXIMUM_REDIRECTS + 1):
            knows_password = address.origin == start.origin and (start.user or start.password)
            auth = httpx.BasicAuth(start.user, start.password) if knows_password else None
            request = client.build_request("GET", address.request_url)
            response = await client.send(request, auth=auth, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                address = self._redirected(address, response)
            finally:
                await response.aclose()
        raise FetchError(f"the server redirects more than {_MAXIMUM_REDIRECTS} times.")

    def _redirected(self, address: AppAddress, response: httpx.Response) -> AppAddress:
        try:
            to = AppAddress.parse(urllib.parse.urljoin(address.request_url, response.headers["Location"]))
            to.require_allowed(self._limits.allowed_url_prefixes)
        except (FetchError, ValueError) as error:
            raise FetchError(f"the server redirects to where it may not: {error}") from error
        if to.scheme not in {"http", "https"} or (address.scheme == "https" and to.scheme == "http"):
            raise FetchError(
                f"the server redirects from {address.scheme} to {to.scheme}, which is not followed."
            )
        return to

    async def _write_body(self, response: httpx.Response, target: Path) -> str:
        with DownloadFile(target, self._limits) as file:
            await self._run(file.open)
            announced = response.headers.get("Content-Length", "")
            file.require_size(int(announced) if announced.isdecimal() else 0)
            # Raw: the bytes as they are on the server. A .tar.gz served as `Content-Encoding: gzip` stays one.
            async for chunk in response.aiter_raw(_WRITE_BYTES):
                await self._run(partial(file.write, chunk))
            return file.sha256

    async def _run(self, function: Callable[[], T]) -> T:
        return await run_stoppable(self._executor, lambda _stop: function())


def _hush_http_logs() -> None:
    # At INFO httpx writes whole URLs, with the signatures in their queries, and httpcore headers at DEBUG.
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def _request_headers(validator: Validator) -> dict[str, str]:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "elasticjob-cloud-agent"}
    if "etag" in validator:
        headers["If-None-Match"] = validator["etag"]
    if "last-modified" in validator:
        headers["If-Modified-Since"] = validator["last-modified"]
    return headers


def _require_success(response: httpx.Response, address: AppAddress) -> None:
    if response.status_code != HTTPStatus.OK:
        reason = response.reason_phrase or "unknown status"
        raise FetchError(f"the server answered HTTP {response.status_code} {reason}.")
    unknown = [name for name in _encodings(response.headers) if name not in KNOWN_ENCODINGS]
    if unknown and archive_kind(address.base_name) is None:
        raise FetchError(
            f"the server sent it compressed ({', '.join(unknown)}), though asked not to: "
            "turn that off for this file."
        )


def _encodings(headers: httpx.Headers) -> tuple[str, ...]:
    names = (name.strip().lower() for name in headers.get("Content-Encoding", "").split(","))
    return tuple(name for name in names if name not in {"", "identity"})


def _served_name(headers: httpx.Headers) -> str:
    message = email.message.Message()
    message["Content-Disposition"] = (
        headers.get("Content-Disposition", "").encode("ascii", "replace").decode()
    )
    try:
        # It knows `filename*=UTF-8''...` too.
        name = message.get_filename("")
    except (LookupError, ValueError):
        return ""
    return safe_name(name.replace("\\", "/").rsplit("/", 1)[-1])


def _validator(headers: httpx.Headers) -> Validator:
    validator = {name: headers[name] for name in ("etag", "last-modified") if headers.get(name)}
    if "etag" not in validator and not _is_settled(headers):
        validator.pop("last-modified", None)
    return validator


def _is_settled(headers: httpx.Headers) -> bool:
    try:
        modified = email.utils.parsedate_to_datetime(headers["Last-Modified"])
        sent = email.utils.parsedate_to_datetime(headers["Date"])
        return (sent - modified).total_seconds() >= _UNSURE_SECONDS
    except (KeyError, TypeError, ValueError):
        return False


def _explain(error: Exception, limits: AppLimits) -> str:
    match error:
        case httpx.ConnectTimeout():
            return f"no connection within {limits.connect_seconds:g} s."
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return f"the server sent nothing for {limits.idle_seconds:g} s."
        case httpx.ConnectError():
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                return f"the server's certificate is not trusted: {error}. {_CA_ADVICE}"
            return f"no connection: {error}."
        case httpx.RemoteProtocolError():
            return f"the server broke off, or does not speak HTTP: {error}."
        case httpx.InvalidURL() | UnicodeError():
            # The codec for host names refuses, for one, names that are too long.
            return "the URL is malformed: check its host."
        case _:
            return f"the download broke off: {str(error) or type(error).__name__}."

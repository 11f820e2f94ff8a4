"""Calls to a scheduler's REST API. What goes wrong comes as an error of `model/errors.py` that says what to do next."""

import ssl
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote

if "httpx" not in sys.modules:
    # With the library, httpx imports its own command line: click, pygments, rich, half a command's time. It allows for
    # their absence, and None stands for that (importlib's rule).
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # typeshed knows modules only
import httpx

from elasticjob_cloud import __version__
from elasticjob_cloud.cli.credentials import Login
from elasticjob_cloud.model.errors import (
    CallerError,
    ConflictError,
    ElasticJobError,
    FieldError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    TooLargeError,
    TooManyAttemptsError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaError,
)
from elasticjob_cloud.model.trust import trusted_context

TIMEOUT_SECONDS = 60.0
CONNECT_SECONDS = 10.0
_PERHAPS_DONE = "What was asked may still be done."
Query = Mapping[str, str | int | None]
_CALLER_ERRORS: Mapping[int, type[CallerError]] = {
    error.status: error
    for error in (
        ConflictError,
        ForbiddenError,
        NotFoundError,
        TooLargeError,
        UnsupportedMediaError,
    )
}


class Connection:
    """One scheduler's API. Use it in a `with` block."""

    def __init__(self, login: Login) -> None:
        headers = {"accept": "application/json", "user-agent": f"elasticjob-cloud/{__version__}"}
        if login.token:
            headers["accessToken"] = login.token
        self.url = login.url
        try:
            self._client = httpx.Client(
                base_url=f"{login.url}/api/",
                headers=headers,
                timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
                verify=_verification(login.url),
                # A proxy for the outside world knows nothing of this machine's own ports.
                trust_env=not login.is_loopback,
            )
        except (
            httpx.InvalidURL,
            ValueError,
        ) as error:  # a port out of range, a token that no header can hold
            raise CallerError(f"{login.url} cannot be asked: {error}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, *path: str, query: Query | None = None) -> Any:
        """Ask a question; the path's parts are percent-encoded here."""
        return self._call("GET", path, query=query)

    def post(self, *path: str, json: Any = None) -> Any:
        """Send a command, with its body if it has one."""
        return self._call("POST", path, json=json)

    def post_for_run(self, *path: str, json: Any) -> int:
        """Send a command that starts a run; give the run's id.

        Raises:
            CallerError: it was started by a scheduler of an earlier version, which does not say which run it is.
        """
        response = self._send("POST", path, json=json)
        self._read(response)
        run_id = response.headers.get("x-run-id", "")
        if not run_id.isdecimal():
            raise CallerError(
                f"The scheduler at {self.url} is of an earlier version, and does not name the run."
            )
        return int(run_id)

    def put(self, *path: str, json: Any) -> Any:
        """Send a change of settings."""
        return self._call("PUT", path, json=json)

    def delete(self, *path: str) -> Any:
        """Remove something."""
        return self._call("DELETE", path)

    def _call(self, method: str, path: Sequence[str], *, json: Any = None, query: Query | None = None) -> Any:
        return self._read(self._send(method, path, json=json, query=query))

    def _send(
        self, method: str, path: Sequence[str], *, json: Any = None, query: Query | None = None
    ) -> httpx.Response:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return self._client.request(
                method, "/".join(_segment(part) for part in path), json=json, params=given or None
            )
        except httpx.ConnectError as error:
            raise UnavailableError(self._why_unreachable(error)) from None
        except httpx.TimeoutException:
            raise OutcomeUnknownError(
                f"The scheduler at {self.url} did not answer in time. {_PERHAPS_DONE}"
            ) from None
        except httpx.HTTPError as error:
            raise OutcomeUnknownError(
                f"The connection to {self.url} broke: {str(error) or type(error).__name__}. {_PERHAPS_DONE}"
            ) from None
        except ValueError as error:  # a number that JSON cannot hold, such as NaN
            raise InvalidRequestError(f"This cannot be sent as JSON: {error}.") from None

    def _why_unreachable(self, error: httpx.ConnectError) -> str:
        if "certificate" in str(error).lower():
            return (
                f"The certificate of {self.url} is not trusted: {error}. "
                "An authority of your own: name its PEM file by --ca-file or ELASTICJOB_CA_FILE."
            )
        return (
            f"No scheduler answers at {self.url}. Start one with: elasticjob-cloud standalone, "
            "or name another with --url."
        )

    def _read(self, response: httpx.Response) -> Any:
        try:
            body = response.json()
        except ValueError:
            if response.status_code == 429:  # from a proxy, in its own words
                raise self._error(response, {}) from None
            raise UnavailableError(
                f"What answers at {self.url} is no ElasticJob-Cloud scheduler (HTTP {response.status_code}, no JSON)."
            ) from None
        if response.is_success:
            return body
        raise self._error(response, body)

    def _error(self, response: httpx.Response, body: Any) -> ElasticJobError:
        fields = body if isinstance(body, dict) else {}
        message = str(fields.get("message") or f"The scheduler answered HTTP {response.status_code}.")
        if response.status_code == 400:
            return InvalidRequestError(message, _field_errors(fields.get("errors")))
        if response.status_code == 401:
            return UnauthorizedError(message)
        if response.status_code == 429:
            return TooManyAttemptsError(_with_delay(message, response.headers.get("retry-after", "")))
        if response.status_code == 502:
            return OutcomeUnknownError(message)
        if response.status_code == 503:
            return UnavailableError(message)
        caller_error = _CALLER_ERRORS.get(response.status_code)
        if caller_error is not None:
            return caller_error(message)
        return ElasticJobError(f"{message} (HTTP {response.status_code} from {self.url})")


def _with_delay(message: str, retry_after: str) -> str:
    if "try again" in message.lower():
        return message
    return f"{message} Try again {f'in {retry_after} s' if retry_after.isdigit() else 'later'}."


def _segment(part: str) -> str:
    if not part.strip("."):  # a URL's `..` is a step up, not a name
        raise CallerError(f"'{part}' is no name of an app, job or task.")
    return quote(part, safe="")


def _field_errors(errors: Any) -> list[FieldError]:
    listed = errors if isinstance(errors, list) else []
    return [
        FieldError(str(error.get("field", "")), str(error.get("message", "")))
        for error in listed
        if isinstance(error, dict)
    ]


def _verification(url: str) -> ssl.SSLContext:
    # Loading the machine's certificates takes longer than a call on loopback; plain HTTP has no use for them.
    return trusted_context() if url.startswith("https://") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

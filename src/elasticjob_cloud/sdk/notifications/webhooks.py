"""The error handlers `WECHAT`, `DINGTALK` and `WEBHOOK`: post a failure as JSON, with ElasticJob's settings."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from urllib.parse import quote_plus, urlsplit

from elasticjob_cloud.model.errors import JobExecutionError
from elasticjob_cloud.model.output.excerpt import excerpt_bytes, one_line
from elasticjob_cloud.sdk.http_client import Exchange, HttpAnswer, HttpRequest, check_url, seconds_of
from elasticjob_cloud.sdk.notifications.message import (
    FailureMessage,
    find_setting,
    missing_settings,
)

_CONNECT_MILLISECONDS = 3000
_READ_MILLISECONDS = 5000
# What WeChat, DingTalk and we ourselves send at most; the first two refuse more.
_WECHAT_BYTES = 2048
_DINGTALK_BYTES = 18_000
_WEBHOOK_BYTES = 64_000
_HEADER_PREFIX = "webhook.header."


def check_wechat(props: Mapping[str, str]) -> str:
    """Say what is wrong with the settings, or nothing."""
    return _check(props, "wechat", "wechat.webhook")


def check_dingtalk(props: Mapping[str, str]) -> str:
    """Say what is wrong with the settings, or nothing."""
    return _check(props, "dingtalk", "dingtalk.webhook")


def check_webhook(props: Mapping[str, str]) -> str:
    """Say what is wrong with the settings, or nothing."""
    return _check(props, "webhook", "webhook.url")


class WebhookDelivery:
    """One message on its way."""

    def __init__(self, message: FailureMessage) -> None:
        self._message = message
        self._exchange = Exchange(_request_of(message))

    def send(self) -> None:
        """Send it.

        Raises:
            JobExecutionError: If it was not taken; the message says why.
        """
        answer = self._exchange.send()
        if not 200 <= answer.status < 300:
            raise JobExecutionError(f"it was answered with {answer.status} {answer.reason}")
        if self._message.handler != "WEBHOOK":
            _check_error_code(answer)

    def cancel(self) -> None:
        """Make `send` end soon."""
        self._exchange.cancel()


def sign_dingtalk(url: str, secret: str, now_ms: int) -> str:
    """Return the URL with the signature that a DingTalk robot with a secret asks for."""
    signed = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}timestamp={now_ms}&sign={quote_plus(base64.b64encode(signed))}"


def _request_of(message: FailureMessage) -> HttpRequest:
    props, prefix = message.props, message.handler.lower()
    url = find_setting(props, f"{prefix}.webhook", f"{prefix}.url")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    match message.handler:
        case "WECHAT":
            body: dict[str, object] = _text_message(excerpt_bytes(message.text, _WECHAT_BYTES))
        case "DINGTALK":
            secret, keyword = find_setting(props, "dingtalk.secret"), find_setting(props, "dingtalk.keyword")
            if secret:
                url = sign_dingtalk(url, secret, int(time.time() * 1000))
            text = f"{keyword}\n{message.text}" if keyword else message.text
            body = _text_message(excerpt_bytes(text, _DINGTALK_BYTES))
        case _:
            headers |= {name.removeprefix(_HEADER_PREFIX): props[name] for name in _header_names(props)}
            body = _webhook_message(message)
    # Letters beyond ASCII are escaped: safe whatever charset the receiver assumes.
    data = json.dumps(body).encode()
    return HttpRequest(
        "POST", check_url(url, f"The URL of {message.handler}"), data, headers, *_timeouts(props, prefix)
    )


def _text_message(text: str) -> dict[str, object]:
    return {"msgtype": "text", "text": {"content": text}}


def _webhook_message(message: FailureMessage) -> dict[str, object]:
    return {
        "jobName": message.job_name,
        "taskId": message.task_id,
        "shardingItem": message.sharding_item,
        "failedTime": message.failed_ms,
        "failureCause": excerpt_bytes(message.cause, _WEBHOOK_BYTES),
        "leftOut": message.left_out,
        "message": excerpt_bytes(message.text, _WEBHOOK_BYTES),
    }


def _check_error_code(answer: HttpAnswer) -> None:
    try:
        told = json.loads(answer.text)
        code, text = told["errcode"], str(told.get("errmsg", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise JobExecutionError(f"its answer is not that of a chat robot: {answer.text[:200]!r}") from None
    if str(code) != "0":
        raise JobExecutionError(f"it answered with error {code}: {one_line(text)}")


def _check(props: Mapping[str, str], prefix: str, required: str) -> str:
    missing = missing_settings(props, [required])
    if missing:
        return f"needs the props {', '.join(missing)}"
    try:
        check_url(props[required], required)
        _timeouts(props, prefix)
    except JobExecutionError as error:
        return str(error).removesuffix(".")
    bad = [name for name in _header_names(props) if not _is_header(name, props[name])]
    return f"{', '.join(bad)} cannot be sent as a header" if bad else ""


def _timeouts(props: Mapping[str, str], prefix: str) -> tuple[float | None, float | None]:
    """Read both timeouts, in all of ElasticJob's spellings."""
    connect, read = (
        (
            f"{prefix}.{kind}TimeoutMilliseconds",
            f"{prefix}.{kind}TimeoutMillisecond",
            f"{prefix}.{kind}Timeout",
        )
        for kind in ("connect", "read")
    )
    return seconds_of(props, connect, _CONNECT_MILLISECONDS), seconds_of(props, read, _READ_MILLISECONDS)


def _header_names(props: Mapping[str, str]) -> list[str]:
    return [name for name in props if name.startswith(_HEADER_PREFIX)]


def _is_header(name: str, value: str) -> bool:
    token = name.removeprefix(_HEADER_PREFIX).replace("-", "").replace("_", "")
    return token.isascii() and token.isalnum() and value.isascii() and value.isprintable()

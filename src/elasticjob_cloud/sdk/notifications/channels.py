"""What `EMAIL`, `WECHAT`, `DINGTALK` and `WEBHOOK` do with a failure, besides logging it."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from elasticjob_cloud.sdk.failure import summarize_failure
from elasticjob_cloud.sdk.notifications.mail import MailDelivery, check_mail
from elasticjob_cloud.sdk.notifications.message import FailureMessage, redact
from elasticjob_cloud.sdk.notifications.outbox import Outbox
from elasticjob_cloud.sdk.notifications.webhooks import (
    WebhookDelivery,
    check_dingtalk,
    check_webhook,
    check_wechat,
)

_logger = logging.getLogger("elasticjob_cloud.notification")
# A server that answers a byte at a time would pass every timeout of its own.
_LONGEST_SECONDS = 30.0
_SECRETS = ("email.password", "dingtalk.secret", "dingtalk.webhook", "wechat.webhook", "webhook.url")
_CHECKS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "EMAIL": check_mail,
    "WECHAT": check_wechat,
    "DINGTALK": check_dingtalk,
    "WEBHOOK": check_webhook,
}


class Delivery(Protocol):
    """One message on its way."""

    def send(self) -> None:
        """Send it, or raise."""
        ...

    def cancel(self) -> None:
        """Make `send` end soon, from another thread."""
        ...


def check_settings(handler: str, props: Mapping[str, str]) -> str:
    """Say what is wrong with a handler's settings among the props, or nothing."""
    return _CHECKS[handler](props)


def deliver(message: FailureMessage) -> None:
    """Send a message, and log how that went. Never raises."""
    try:
        delivery = _delivery_of(message)
        timer = threading.Timer(_LONGEST_SECONDS, delivery.cancel)
        timer.daemon = True
        timer.start()
        try:
            delivery.send()
        finally:
            timer.cancel()
    except Exception as error:  # noqa: BLE001 - whatever a server does, the executor goes on
        _logger.warning(
            "The failure of job '%s' could not be told by %s: %s",
            message.job_name,
            message.handler,
            redact(summarize_failure(error), _secrets_of(message)),
        )
    else:
        _logger.info("The failure of job '%s' was told by %s", message.job_name, message.handler)


def _delivery_of(message: FailureMessage) -> Delivery:
    return MailDelivery(message) if message.handler == "EMAIL" else WebhookDelivery(message)


def _secrets_of(message: FailureMessage) -> list[str]:
    props = message.props
    return [value for name, value in props.items() if name in _SECRETS or name.startswith("webhook.header.")]


def new_outbox() -> Outbox:
    """Return an outbox that sends for real."""
    return Outbox(deliver)

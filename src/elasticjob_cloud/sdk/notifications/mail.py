"""The error handler `EMAIL`: sends a failure by SMTP, with ElasticJob's settings."""

import contextlib
import logging
import re
import smtplib
import socket
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TypeAlias

from elasticjob_cloud.model.errors import JobExecutionError
from elasticjob_cloud.model.output.excerpt import excerpt_bytes
from elasticjob_cloud.model.trust import trusted_context
from elasticjob_cloud.sdk.notifications.message import (
    FailureMessage,
    find_setting,
    missing_settings,
)

REQUIRED = ("email.host", "email.port", "email.from", "email.to")
_SUBJECT = "ElasticJob error message"
_TIMEOUT_SECONDS = 10.0
_BODY_BYTES = 200_000
_logger = logging.getLogger("elasticjob_cloud.notification")
_Client: TypeAlias = smtplib.SMTP


def check_mail(props: Mapping[str, str]) -> str:
    """Say what is wrong with the settings, or nothing."""
    missing = missing_settings(props, REQUIRED)
    if missing:
        return f"needs the props {', '.join(missing)}"
    port = props["email.port"].strip()
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        return f"email.port must be the number of a port, not {port!r}"
    return ""


class MailDelivery:
    """One message on its way."""

    def __init__(self, message: FailureMessage) -> None:
        self._message = message
        self._client: _Client | None = None

    def send(self) -> None:
        """Send it.

        Raises:
            OSError: If the server cannot be reached, trusted, or does not take it (`SMTPException` is one).
            JobExecutionError: If it refused some of the recipients.
        """
        props = self._message.props
        mail = make_mail(self._message)
        recipients = [
            address for name in ("to", "cc", "bcc") for address in _addresses(props, f"email.{name}")
        ]
        with self._connect() as client:
            self._client = client
            username = find_setting(props, "email.username")
            if username:
                client.login(username, props.get("email.password", ""))
            refused = client.send_message(mail, props["email.from"].strip(), recipients)
        if _is_true(props, "email.debug"):
            _logger.info("%s took a mail for %d recipients", props["email.host"], len(recipients))
        if refused:
            raise JobExecutionError(f"the server refused {', '.join(sorted(refused))}")

    def cancel(self) -> None:
        """Make `send` end soon."""
        connection = self._client.sock if self._client is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):  # it is closed by now
                connection.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> _Client:
        props = self._message.props
        host, port = props["email.host"].strip(), int(props["email.port"])
        if _is_true(props, "email.useSsl", "email.useSSL", "email.use-ssl", default="true"):
            return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=trusted_context())
        client = smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            client.ehlo_or_helo_if_needed()
            if client.has_extn("starttls") and _is_true(props, "email.startTls", default="true"):
                client.starttls(context=trusted_context())
        except BaseException:
            client.close()
            raise
        return client


def make_mail(message: FailureMessage) -> EmailMessage:
    """Write the mail."""
    props = message.props
    mail = EmailMessage()
    # A line break would begin a header of the sender's choice.
    mail["Subject"] = " ".join((find_setting(props, "email.subject") or _SUBJECT).split())
    mail["From"] = " ".join(props["email.from"].split())
    mail["To"] = ", ".join(_addresses(props, "email.to"))
    if copies := _addresses(props, "email.cc"):
        mail["Cc"] = ", ".join(copies)
    mail["Date"] = formatdate(message.failed_ms / 1000)
    mail["Message-ID"] = make_msgid(domain="elasticjob-cloud")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(excerpt_bytes(f"{message.text}\n\nTask: {message.task_id}\n", _BODY_BYTES))
    return mail


def _addresses(props: Mapping[str, str], name: str) -> list[str]:
    return [address for part in re.split(r"[,;\n]", props.get(name, "")) if (address := part.strip())]


def _is_true(props: Mapping[str, str], *names: str, default: str = "false") -> bool:
    return (find_setting(props, *names) or default).lower() == "true"

"""`mail`: SMTP, in a thread, since the standard library's client blocks. Bounded in time."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

from elasticjob_cloud.alerting.errors import DeliveryError
from elasticjob_cloud.alerting.rendering import Rendered, shorten
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.message import AlertMessage
from elasticjob_cloud.model.trust import certificate_fault, trusted_context

_STEP_SECONDS: Final = 10.0
_TOTAL_SECONDS: Final = 30.0
_TEXT_BYTES: Final = 200_000
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


async def send_mail(
    pool: ThreadPoolExecutor, channel: Channel, message: AlertMessage, rendered: Rendered
) -> None:
    """Send a mail.

    Raises:
        DeliveryError: The server cannot be reached, or did not take it.
    """
    session = _Session(channel, write_mail(channel, message, rendered))
    shown = f"{channel.settings['host']}:{channel.settings['port']}"
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            await asyncio.get_running_loop().run_in_executor(pool, session.send)
    except smtplib.SMTPResponseException as error:
        told = channel.redact(_text_of(error.smtp_error)[:300])
        # What it says of the mail's content, it would say again.
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        raise DeliveryError(
            f"The mail server {shown} answered {error.smtp_code}: {told}", is_final=is_final
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise DeliveryError(
            f"The mail server {shown} refused {', '.join(sorted(error.recipients))}."
        ) from None
    except TimeoutError:
        raise DeliveryError(f"The mail server {shown} did not answer in time.{_late_hint(channel)}") from None
    except (OSError, ValueError) as error:
        reason = channel.redact(_tls_fault(error) or f"{type(error).__name__}: {error}")
        raise DeliveryError(f"The mail server {shown} cannot be used: {reason}") from None
    finally:
        session.cancel()


def write_mail(channel: Channel, message: AlertMessage, rendered: Rendered) -> EmailMessage:
    """Write the mail. Its Message-ID is the message's id, so that a second one can be told from the first."""
    mail = EmailMessage()
    # A line break would begin a header of the job's choice.
    mail["Subject"] = " ".join(rendered.title.split())
    mail["From"] = channel.settings["from"]
    mail["To"] = ", ".join(channel.settings["to"].split(","))
    mail["Date"] = formatdate(message.created_ms / 1000)
    mail["Message-ID"] = f"<{message.message_id}@elasticjob-cloud>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(shorten(rendered.text, _TEXT_BYTES) + "\n")
    return mail


def _text_of(told: bytes | str) -> str:
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else told


def _tls_fault(error: Exception) -> str:
    """Say what is wrong with TLS and what to do, if that is what an error is about; else nothing."""
    if isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error):
        return "it offers no STARTTLS. If it speaks TLS from the start (often on port 465), set tls to ssl."
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return "it speaks no TLS from the start on this port. Set tls to starttls (often on port 587)."
    return certificate_fault(error)


def _late_hint(channel: Channel) -> str:
    is_plain = channel.settings["tls"] != "ssl"
    return " If it speaks TLS from the start on this port, set tls to ssl." if is_plain else ""


class _Session:
    """One mail on its way, in a thread; `cancel`, from another one, makes it end soon."""

    def __init__(self, channel: Channel, mail: EmailMessage) -> None:
        self._channel = channel
        self._mail = mail
        self._client: smtplib.SMTP | None = None
        self._is_cancelled = False

    def send(self) -> None:
        if self._is_cancelled:  # it waited for a thread for too long
            return
        channel = self._channel
        with self._connect() as client:
            self._client = client
            username = channel.settings.get("username", "")
            if username:
                client.login(username, channel.password)
            refused = client.send_message(self._mail)
        if refused:  # the others have it, and a repetition would come to them again
            addresses = ", ".join(sorted(refused))
            raise DeliveryError(f"The mail server refused {addresses}, and took the others.", is_final=True)

    def cancel(self) -> None:
        self._is_cancelled = True
        connection = self._client.sock if self._client is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):  # it is closed by now
                connection.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> smtplib.SMTP:
        settings = self._channel.settings
        host, port = settings["host"], int(settings["port"])
        if settings["tls"] == "ssl":
            return smtplib.SMTP_SSL(host, port, timeout=_STEP_SECONDS, context=trusted_context())
        client = smtplib.SMTP(host, port, timeout=_STEP_SECONDS)
        try:
            if settings["tls"] == "starttls":
                client.starttls(context=trusted_context())
        except BaseException:
            client.close()
            raise
        return client

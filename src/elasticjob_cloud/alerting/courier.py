"""Brings one message to one channel, once. The sender repeats; an API call that tries a channel does not."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self

from elasticjob_cloud.alerting.channels.alertmanager import ALERTMANAGER
from elasticjob_cloud.alerting.channels.chats import SLACK, TEAMS
from elasticjob_cloud.alerting.channels.letter import Format, Letter
from elasticjob_cloud.alerting.channels.pagerduty import PAGERDUTY
from elasticjob_cloud.alerting.channels.robots import DINGTALK, FEISHU, WECOM
from elasticjob_cloud.alerting.channels.webhook import WEBHOOK
from elasticjob_cloud.alerting.errors import DeliveryError
from elasticjob_cloud.alerting.mail import send_mail
from elasticjob_cloud.alerting.posting import new_client, send_post
from elasticjob_cloud.alerting.rendering import Letterhead, render
from elasticjob_cloud.model.alerting.channel import Channel, ChannelType
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.rule import Language
from elasticjob_cloud.model.masking import mask_message

__all__ = ["Courier", "DeliveryError", "probe_message"]

_MAIL_THREADS: Final = 8
_MASKED_AT_ONCE: Final = 20
FORMATS: Final[Mapping[ChannelType, Format]] = {
    ChannelType.WEBHOOK: WEBHOOK,
    ChannelType.DINGTALK: DINGTALK,
    ChannelType.WECOM: WECOM,
    ChannelType.FEISHU: FEISHU,
    ChannelType.SLACK: SLACK,
    ChannelType.TEAMS: TEAMS,
    ChannelType.PAGERDUTY: PAGERDUTY,
    ChannelType.ALERTMANAGER: ALERTMANAGER,
}


class Courier:
    """Holds what deliveries share. To be used in one event loop, as a context manager."""

    def __init__(self, head: Letterhead, now_ms: Callable[[], int]) -> None:
        self._head = head
        self._now_ms = now_ms
        self._client = new_client()
        self._pool = ThreadPoolExecutor(_MAIL_THREADS, "alert-mail")

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close connections; mails that are under way are cut off."""
        await self._client.aclose()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def deliver(self, channel: Channel, message: AlertMessage) -> None:
        """Send a message.

        Raises:
            DeliveryError: The channel did not take it; the text says why, and holds no secret.
        """
        message = await _without_secrets(message)
        rendered = render(message, self._head)
        if channel.type is ChannelType.MAIL:
            await send_mail(self._pool, channel, message, rendered)
            return
        form = FORMATS[channel.type]
        for post in form.write(Letter(channel, message, rendered, self._head, self._now_ms())):
            form.check(channel, await send_post(self._client, channel, post))


async def _without_secrets(message: AlertMessage) -> AlertMessage:
    """Mask the reasons as the API does: job code may have put a password into an exception."""
    alerts = []
    for number, alert in enumerate(message.alerts):
        if number % _MASKED_AT_ONCE == 0:
            await asyncio.sleep(0)  # 500 of them take 30 ms
        alerts.append(replace(alert, summary=mask_message(alert.summary)))
    return replace(message, alerts=tuple(alerts))


def probe_message(channel: str, message_id: str, now_ms: int, language: Language) -> AlertMessage:
    """Give the message by which somebody tries a channel (`POST /alert/channels/{name}/test`)."""
    return AlertMessage(
        message_id=message_id,
        kind=MessageKind.TEST,
        created_ms=now_ms,
        channels=(channel,),
        language=language,
    )

"""Channels: where messages go. What is secret in one is never shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

MASK: Final = "***"


class ChannelType(StrEnum):
    """What kind of receiver it is."""

    WEBHOOK = "webhook"  # JSON by POST, signed
    MAIL = "mail"  # SMTP
    DINGTALK = "dingtalk"  # a robot of a DingTalk group
    WECOM = "wecom"  # a robot of a WeCom group
    FEISHU = "feishu"  # a robot of a Feishu or Lark group
    SLACK = "slack"  # an incoming webhook
    TEAMS = "teams"  # a workflow of Microsoft Teams with a webhook
    PAGERDUTY = "pagerduty"  # Events API v2
    ALERTMANAGER = "alertmanager"  # of Prometheus, API v2


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One receiver. URLs are secret too: everyone who knows a robot's URL can send.

    `secret`: the key of the signature (webhook, dingtalk, feishu) or the routing key (pagerduty).
    `headers`: sent with each request (webhook, alertmanager). `settings`: what only `mail` has: host, port, username,
    from, to, tls. `mentions`: whom a robot calls by name or number.
    """

    name: str
    type: ChannelType
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    keyword: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in a log, an error or an answer."""
        parts = urlsplit(self.url)
        paths = [part for part in (parts.path, parts.query, parts.password, parts.username) if part]
        hidden = [self.url, self.secret, self.password, *self.headers.values(), *paths]
        return tuple(sorted({text for text in hidden if len(text) > 3}, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Give a text without this channel's secrets."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown: its host, and nothing that follows."""
        if not self.url:
            return ""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return (
            f"{parts.scheme}://{host}/{MASK}"
            if parts.path.strip("/") or parts.query
            else f"{parts.scheme}://{host}"
        )

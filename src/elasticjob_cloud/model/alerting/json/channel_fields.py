"""Channels as JSON: the body of `PUT /alert/channels/{name}`, and what `GET` shows of them."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from elasticjob_cloud.model.alerting.channel import MASK, Channel, ChannelType
from elasticjob_cloud.model.alerting.json.fields import Fields, raise_if
from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.jobs.names import known_name_problem

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_LONGEST_SECRET = 4096
_ROBOTS = {ChannelType.DINGTALK, ChannelType.WECOM, ChannelType.FEISHU, ChannelType.SLACK, ChannelType.TEAMS}
_WITH_SECRET = {
    ChannelType.WEBHOOK,
    ChannelType.DINGTALK,
    ChannelType.FEISHU,
    ChannelType.PAGERDUTY,
}
_WITH_HEADERS = {ChannelType.WEBHOOK, ChannelType.ALERTMANAGER}
_WITH_MENTIONS = {ChannelType.DINGTALK, ChannelType.WECOM}
_TLS = ("ssl", "starttls", "none")


def read_channel(name: str, body: Mapping[str, object]) -> Channel:
    """Read a channel.

    Raises:
        InvalidRequestError: Fields are wrong; it lists all of them.
    """
    errors: list[FieldError] = []
    if (problem := known_name_problem(name)) is not None:
        errors.append(FieldError("name", problem))
    fields = Fields(body, errors)
    kind = fields.choice("type", ChannelType)
    if kind is None:
        if not errors:
            fields.refuse("type", f"is needed: one of {', '.join(ChannelType)}.")
        raise_if(errors)
        kind = ChannelType.WEBHOOK
    channel = _read_mail(name, fields) if kind is ChannelType.MAIL else _read_http(name, kind, fields)
    fields.refuse_others()
    raise_if(errors)
    return channel


def channel_fields(channel: Channel) -> dict[str, Any]:
    """Give a channel as it may be shown: secrets are `***`."""
    values: dict[str, Any] = {"type": channel.type.value}
    if channel.url:
        values["url"] = channel.shown_url
    values |= {name: MASK for name in ("secret", "password") if getattr(channel, name)}
    values |= {name: value for name, value in channel.settings.items() if name != "to"}
    if "to" in channel.settings:
        values["to"] = channel.settings["to"].split(",")
    if channel.keyword:
        values["keyword"] = channel.keyword
    if channel.headers:
        values["headers"] = dict.fromkeys(channel.headers, MASK)
    if channel.mentions:
        values["mentions"] = list(channel.mentions)
    return values


def _read_http(name: str, kind: ChannelType, fields: Fields) -> Channel:
    url = fields.text("url") or ""
    if not url and kind is ChannelType.PAGERDUTY:
        url = PAGERDUTY_URL
    if not _is_url(url):
        fields.refuse("url", "must be a URL that begins with http:// or https:// and names a host.")
    secret = fields.text("secret", longest=_LONGEST_SECRET) if kind in _WITH_SECRET else None
    if kind is ChannelType.PAGERDUTY and not secret:
        fields.refuse("secret", "is needed: the routing key of the integration.")
    headers = fields.text_mapping("headers") if kind in _WITH_HEADERS else {}
    for header, value in headers.items():
        if not _is_header(header, value):
            fields.refuse("headers", f"{header[:100]!r} cannot be sent as a header.")
    return Channel(
        name=name,
        type=kind,
        url=url.strip(),
        secret=secret or "",
        keyword=(fields.text("keyword", longest=100) or "") if kind in _ROBOTS else "",
        headers=headers,
        mentions=(fields.texts("mentions") or ()) if kind in _WITH_MENTIONS else (),
    )


def _read_mail(name: str, fields: Fields) -> Channel:
    host, sender = fields.text("host") or "", fields.text("from") or ""
    for field, text in (("host", host), ("from", sender)):
        if not text.strip():
            fields.refuse(field, "is needed.")
    receivers = fields.texts("to") or ()
    if not receivers:
        fields.refuse("to", "must be a list of addresses.")
    for field, address in (("from", sender), *(("to", each) for each in receivers)):
        if any(character in address for character in "\r\n,"):
            fields.refuse(field, "must be an address without commas and line breaks.")
    tls = fields.text("tls") or "ssl"
    if tls not in _TLS:
        fields.refuse("tls", f"must be one of {', '.join(_TLS)}.")
    default_port = {"ssl": 465, "starttls": 587, "none": 25}.get(tls, 465)
    port = fields.number("port", least=1, most=65_535, whole=True) or default_port
    settings = {
        "host": host.strip(),
        "port": str(int(port)),
        "from": sender.strip(),
        "to": ",".join(receivers),
        "tls": tls,
    }
    username = fields.text("username")
    if username:
        settings["username"] = username
    password = fields.text("password", longest=_LONGEST_SECRET) or ""
    return Channel(name=name, type=ChannelType.MAIL, password=password, settings=settings)


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and " " not in url
        )
    except ValueError:
        return False


def _is_header(name: str, value: str) -> bool:
    token = name.replace("-", "").replace("_", "")
    return token.isascii() and token.isalnum() and value.isascii() and value.isprintable()

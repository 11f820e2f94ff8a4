"""`dingtalk`, `wecom` and `feishu`: robots of groups. They answer 200 whatever happens; the body has a code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from urllib.parse import quote_plus, urlsplit

from elasticjob_cloud.alerting.channels.letter import Format, JsonObject, Letter
from elasticjob_cloud.alerting.errors import DeliveryError
from elasticjob_cloud.alerting.posting import Answer, Post
from elasticjob_cloud.alerting.rendering import shorten
from elasticjob_cloud.model.alerting.channel import Channel

# What the robots take at most.
_DINGTALK_BYTES = 18_000
_WECOM_BYTES = 2_048
_FEISHU_BYTES = 18_000
_MINUTE_SECONDS = 60.0
# "Too many messages in a minute": DingTalk, WeCom, Feishu (two).
_TOO_MANY = frozenset({"130101", "45009", "9499", "11232"})


def write_dingtalk(letter: Letter) -> Sequence[Post]:
    """Give the request."""
    channel = letter.channel
    url = sign_dingtalk(channel.url, channel.secret, letter.now_ms) if channel.secret else channel.url
    called = "".join(f"\n@{mention}" for mention in channel.mentions)
    body: JsonObject = {
        "msgtype": "text",
        "text": {"content": shorten(letter.text, _DINGTALK_BYTES - len(called.encode())) + called},
        "at": {"atMobiles": list(channel.mentions), "isAtAll": False},
    }
    return [_post(url, body)]


def sign_dingtalk(url: str, secret: str, now_ms: int) -> str:
    """Give the URL with the signature that a robot with a secret asks for."""
    digest = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}timestamp={now_ms}&sign={quote_plus(base64.b64encode(digest))}"


def write_wecom(letter: Letter) -> Sequence[Post]:
    """Give the request."""
    numbers = [mention for mention in letter.channel.mentions if mention.isdecimal()]
    names = [mention for mention in letter.channel.mentions if not mention.isdecimal()]
    text: JsonObject = {"content": shorten(letter.text, _WECOM_BYTES)}
    if numbers:
        text["mentioned_mobile_list"] = numbers
    if names:
        text["mentioned_list"] = names
    return [_post(letter.channel.url, {"msgtype": "text", "text": text})]


def write_feishu(letter: Letter) -> Sequence[Post]:
    """Give the request."""
    body: JsonObject = {"msg_type": "text", "content": {"text": shorten(letter.text, _FEISHU_BYTES)}}
    if letter.channel.secret:
        seconds = letter.now_ms // 1000
        body |= {"timestamp": str(seconds), "sign": sign_feishu(letter.channel.secret, seconds)}
    return [_post(letter.channel.url, body)]


def sign_feishu(secret: str, seconds: int) -> str:
    """Give the signature: the time and the secret are the key, and nothing is signed with it."""
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check_robot(channel: Channel, answer: Answer) -> None:
    """Raise `DeliveryError` unless the answer says that the message was taken."""
    try:
        told = json.loads(answer.text)
        code = str(next(told[name] for name in ("errcode", "code", "StatusCode") if name in told))
        text = next((str(told[name]) for name in ("errmsg", "msg", "StatusMessage") if name in told), "")
    except (ValueError, TypeError, StopIteration):
        shown = channel.redact(answer.text[:200])
        raise DeliveryError(f"{channel.shown_url} does not answer like a robot: {shown!r}") from None
    if code != "0":
        raise DeliveryError(
            f"{channel.shown_url} answered with error {code}: {channel.redact(text[:300])}",
            retry_after_seconds=_MINUTE_SECONDS if code in _TOO_MANY else 0,
        )


def _post(url: str, body: JsonObject) -> Post:
    # Letters beyond ASCII are escaped: safe whatever charset the receiver assumes.
    return Post(url, json.dumps(body).encode())


DINGTALK = Format(write_dingtalk, check_robot)
WECOM = Format(write_wecom, check_robot)
FEISHU = Format(write_feishu, check_robot)

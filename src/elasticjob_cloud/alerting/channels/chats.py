"""`slack` and `teams`: incoming webhooks of chats."""

import json
from collections.abc import Sequence

from elasticjob_cloud.alerting.channels.letter import Format, JsonObject, Letter
from elasticjob_cloud.alerting.posting import Post
from elasticjob_cloud.alerting.rendering import shorten

# What they take at most, with some room for what stands around the text.
_SLACK_BYTES = 35_000
_TEAMS_BYTES = 20_000


def write_slack(letter: Letter) -> Sequence[Post]:
    """Give the request. Slack wants three characters escaped, and would take `<...>` for links and mentions."""
    text = shorten(letter.text, _SLACK_BYTES)
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [Post(letter.channel.url, json.dumps({"text": escaped}).encode())]


def write_teams(letter: Letter) -> Sequence[Post]:
    """Give the request: an adaptive card, as workflows of Teams take it."""
    card: JsonObject = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": letter.rendered.title, "weight": "Bolder", "wrap": True},
            # A single line break is none in its markdown.
            {
                "type": "TextBlock",
                "text": shorten(letter.rendered.text, _TEAMS_BYTES).replace("\n", "\n\n"),
                "wrap": True,
            },
        ],
    }
    if letter.rendered.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "ElasticJob", "url": letter.rendered.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    body = {"type": "message", "attachments": [attachment]}
    return [Post(letter.channel.url, json.dumps(body).encode())]


SLACK = Format(write_slack)
TEAMS = Format(write_teams)

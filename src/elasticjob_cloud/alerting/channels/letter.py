"""What each format is made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from elasticjob_cloud.alerting.posting import Answer, Post
from elasticjob_cloud.alerting.rendering import Letterhead, Rendered
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.message import AlertMessage


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for a channel. `now_ms`: when it is sent, for signatures."""

    channel: Channel
    message: AlertMessage
    rendered: Rendered
    head: Letterhead
    now_ms: int

    @property
    def text(self) -> str:
        """Title and text, with the keyword that some robots want."""
        keyword = self.channel.keyword
        title = f"{keyword} {self.rendered.title}" if keyword else self.rendered.title
        return f"{title}\n\n{self.rendered.text}"


@dataclass(frozen=True, slots=True)
class Format:
    """A type of channel: the requests that it takes, and a check of their answers, which raises `DeliveryError`."""

    write: Callable[[Letter], Sequence[Post]]
    check: Callable[[Channel, Answer], None] = lambda _channel, _answer: None


JsonObject: TypeAlias = dict[str, object]

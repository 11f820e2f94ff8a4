"""One shard's output, read part by part."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from elasticjob_cloud.cli.following import ask_patiently

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

_PART_BYTES = 256 * 1024
BOTH = "both"


class ShardLog:
    """Where a reader of a shard's output is. `stream` may be `both`; `tail`: begin with the last so many lines."""

    def __init__(self, scheduler: "Connection", task_id: str, stream: str, tail: int | None) -> None:
        self._scheduler = scheduler
        self._task_id = task_id
        self._stream = stream
        self._tail = tail
        self._offset = 0
        self._stderr_offset = 0
        self._generation = ""
        self.is_truncated = False
        self.is_over = False  # all is read, and no more will come

    def read_present(self, *, patient: bool) -> Iterator[str]:
        """Give the text up to the present end, part by part.

        Raises:
            NotFoundError: it printed nothing, or its output is not kept any more.
        """
        while True:
            before = (self._offset, self._stderr_offset, self._generation)
            part = ask_patiently(self._ask, patient=patient)
            self._tail = None
            self._offset = int(part.get("nextOffset", self._offset))
            self._stderr_offset = int(part.get("nextStderrOffset", 0))
            self._generation = str(part.get("generation") or "")
            self.is_truncated = bool(part.get("truncated"))
            text = _text_of(part)
            yield text
            if not text and before[:2] == (self._offset, self._stderr_offset):
                self.is_over = bool(part.get("ended"))
                return

    def _ask(self) -> Mapping[str, Any]:
        query: dict[str, str | int | None] = {
            "stream": self._stream,
            "offset": self._offset,
            "limit": _PART_BYTES,
            "tail": self._tail,
            "generation": self._generation or None,
        }
        if self._stream == BOTH:
            query["stderrOffset"] = self._stderr_offset
        part: Mapping[str, Any] = self._scheduler.get("job", "tasks", self._task_id, "log", query=query)
        return part


def _text_of(part: Mapping[str, Any]) -> str:
    if "parts" in part:
        return "".join(str(piece.get("content", "")) for piece in part["parts"])
    return str(part.get("content", ""))

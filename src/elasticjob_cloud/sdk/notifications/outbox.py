"""Messages on their way out: sent by one thread, in order, so that no shard waits for a mail server.

Bounded twice. At most so many wait; and a receiver gets at most so many a minute, because a job that fails every second
would bury the one message that matters. What is left out is counted, and told with the next message, or after the minute.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace

from elasticjob_cloud.sdk.notifications.message import FailureMessage
from elasticjob_cloud.sdk.notifications.rate_limit import RateLimit

_MOST_WAITING = 100
_MOST_IN_WINDOW = 10
_WINDOW_SECONDS = 60.0
_ADDRESSES = ("email.host", "email.to", "wechat.webhook", "dingtalk.webhook", "webhook.url")


class Outbox:
    """Sends messages by `deliver`, which must not raise."""

    def __init__(
        self,
        deliver: Callable[[FailureMessage], None],
        most_in_window: int = _MOST_IN_WINDOW,
        window_seconds: float = _WINDOW_SECONDS,
    ) -> None:
        self._deliver = deliver
        self._limit = RateLimit(most_in_window, window_seconds)
        self._waiting: deque[FailureMessage] = deque()
        # Of each receiver, the newest message that was left out: it is sent with the count of the others.
        self._left_out: dict[object, FailureMessage] = {}
        self._is_sending = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def post(self, message: FailureMessage) -> None:
        """Take a message. Returns at once."""
        receiver, now = _receiver_of(message), time.monotonic()
        with self._changed:
            if not self._limit.admit(receiver, message.job_name, now):
                self._left_out[receiver] = message
            elif len(self._waiting) >= _MOST_WAITING:
                self._limit.leave_out(receiver, message.job_name, now)
                self._left_out[receiver] = message
            else:
                self._waiting.append(message)
            self._ensure_thread()
            self._changed.notify_all()

    def flush(self, timeout_seconds: float) -> bool:
        """Send what waits, and what was left out so far; whether that was done in time."""
        with self._changed:
            for receiver in list(self._left_out):
                self._queue_left_out(receiver)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._is_sending, timeout_seconds)

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="elasticjob-outbox", daemon=True)
            # Not in the context of the shard that failed: what goes wrong here belongs in the executor's own log.
            Context().run(self._thread.start)

    def _work(self) -> None:
        while True:
            message = self._take()
            self._deliver(message)
            del message
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()

    def _take(self) -> FailureMessage:
        with self._changed:
            while not self._waiting:
                now = time.monotonic()
                for receiver in self._limit.due(now):
                    self._queue_left_out(receiver)
                if not self._waiting:
                    due = self._limit.next_due()
                    self._changed.wait(None if due is None else max(due - now, 0.0))
            self._is_sending = True
            message = self._waiting.popleft()
            receiver = _receiver_of(message)
            left_out = self._limit.take_left_out(receiver)
            if left_out:
                self._left_out.pop(receiver, None)
            return replace(message, left_out=left_out)

    def _queue_left_out(self, receiver: object) -> None:
        message = self._left_out.pop(receiver, None)
        if message is not None:
            self._waiting.append(message)


def _receiver_of(message: FailureMessage) -> object:
    """Whoever gets it, however the jobs that tell them are set up besides."""
    return message.handler, tuple(message.props.get(name, "") for name in _ADDRESSES)

"""Lists that many look at are made once for all of them, and no more reads at a time than the scheduler can bear.

A console polls `GET /api/changes`, and reads again what has changed. Fifty of them would ask for the same list fifty
times a second. Here each list has one maker; who asks meanwhile has its answer, as long as that is no older than the
revision when it was asked for. Who shows with `If-None-Match` that it has an earlier answer also waits for the next
turn: a list is made again once in a while, not with every commit. Plain ASGI, so that an answer from memory costs little.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elasticjob_cloud.api.access.fair_turns import FairTurns
from elasticjob_cloud.api.access.masked import role_of
from elasticjob_cloud.api.access.users import Role
from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.service.port import Topic

# What each list is made of. None of them shows secrets, whoever asks: what does is made for each caller.
_OF_RUNS: Final = (Topic.RUNS, Topic.TASKS, Topic.AGENTS)
_OF_QUEUES: Final = (Topic.APPS, Topic.JOBS, Topic.RUNS, Topic.TASKS, Topic.AGENTS)
SHARED: Final[Mapping[str, tuple[Topic, ...]]] = {
    "/api/overview": tuple(Topic),
    "/api/job/runs": _OF_RUNS,
    "/api/job/executions": (Topic.RUNS,),
    "/api/job/timeline": (Topic.JOBS, Topic.RUNS),
    "/api/job/failures": (Topic.RUNS,),
    "/api/job/events/executions": _OF_RUNS,
    "/api/job/events/statusTraces": _OF_RUNS,
    "/api/app/list": (Topic.APPS, Topic.ALERTS),
    "/api/alert/events": (Topic.ALERTS,),
    "/api/operate/agents": (Topic.TASKS, Topic.AGENTS),
}
# These are shared when a page is asked for; whole, they are written piece by piece.
SHARED_PAGES: Final[Mapping[str, tuple[Topic, ...]]] = {
    "/api/job/jobs": _OF_QUEUES,
    "/api/job/tasks/running": _OF_QUEUES,
    "/api/job/tasks/ready": _OF_QUEUES,
    "/api/job/tasks/failover": _OF_QUEUES,
}
# These read the database or long lists for one caller alone. All else is answered from memory, or by agents, which have
# bounds of their own, and is never kept waiting by a database that hangs.
_BOUNDED: Final = (
    *("/api/job/runs/", "/api/job/events/", "/api/job/tasks/", "/api/job/statistics/", "/api/job/jobs"),
    *("/api/alert/", *SHARED),
)
_BY_AGENTS: Final = ("/log", "/log/search")
_LONGEST_SECONDS: Final = 5.0  # times pass by themselves: "the last 24 hours"
PAUSE_SECONDS: Final = 0.8
_VIEWS: Final = 500
_VIEW_BYTES: Final = 300_000
_ALL_BYTES: Final = 30_000_000
_AT_ONCE: Final = 8
_WAITING: Final = 100
_HEADERS: Final = (
    (b"content-type", b"application/json"),
    # A browser keeps it and asks each time whether it still holds; a proxy keeps nothing.
    (b"cache-control", b"private, no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accesstoken, authorization, cookie"),
)
_Headers = list[tuple[bytes, bytes]]
_Key = tuple[str, bytes, Role | None]


class _Answer(NamedTuple):
    """What the app has answered."""

    status: int
    headers: _Headers
    body: bytes


class _View(NamedTuple):
    """An answer that is kept, as of a revision."""

    revision: str
    made_at: float
    tag: bytes
    answer: _Answer


class _Making:
    """A view that is being made, or will be after a pause. `revision`: None during the pause."""

    def __init__(self) -> None:
        self.revision: str | None = None
        self.hurry = asyncio.Event()
        self.task: asyncio.Task[_View]


class SharedReads:
    """ASGI middleware around the app. All else passes through, other reads with the same bound on how many at a time."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        revision_of: Callable[[Iterable[Topic]], str],
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._revision_of = revision_of
        self._now = monotonic_seconds
        self._views: OrderedDict[_Key, _View] = OrderedDict()
        self._bytes = 0
        self._makings: dict[_Key, _Making] = {}
        self._turns = FairTurns(
            _AT_ONCE, _WAITING, "Too many lists are being read at the moment. Try again in a moment."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        topics = _topics_of(scope)
        if topics is None:
            await self._pass(scope, receive, send)
            return
        known = _known_tags(scope)
        try:
            view = await self._view(scope, topics, may_wait=bool(known))
        except NotLeadingError:
            await self._pass(scope, receive, send)  # what was can be read from the database all the same
            return
        await _send(view, known, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_bounded(scope["path"]):
            await self._app(scope, receive, send)
            return
        left = False
        turn = self._turns.turn(_group(scope))
        await turn.__aenter__()

        async def leave() -> None:
            nonlocal left
            if not left:
                left = True
                await turn.__aexit__(None, None, None)

        async def send_and_leave(message: Message) -> None:
            await leave()  # what comes now is made, or is made piece by piece in turns of its own
            await send(message)

        try:
            await self._app(scope, receive, send_and_leave)
        finally:
            await leave()

    async def _view(self, scope: Scope, topics: tuple[Topic, ...], *, may_wait: bool) -> _View:
        """Give a view that is at least as new as this call.

        Raises:
            NotLeadingError: only the leader knows what has changed.
            ElasticJobError: as the app does.
        """
        key = (scope["path"], scope["query_string"], role_of(scope))
        revision = self._revision_of(topics)
        while True:
            view = self._views.get(key)
            if (
                view is not None
                and _is_as_new(view.revision, revision)
                and self._now() - view.made_at < _LONGEST_SECONDS
            ):
                self._views.move_to_end(key)
                return view
            making = self._makings.get(key)
            if making is None:
                making = self._make_later(key, scope, topics, view)
            elif making.revision is not None and not _is_as_new(making.revision, revision):
                await asyncio.wait({making.task})
                if not _are_of_one_term(revision, present := self._revision_of(topics)):
                    revision = present
                continue
            if not may_wait:
                making.hurry.set()
            return await asyncio.shield(making.task)

    def _make_later(
        self, key: _Key, scope: Scope, topics: tuple[Topic, ...], former: _View | None
    ) -> _Making:
        making = _Making()
        pause = 0.0 if former is None else former.made_at + PAUSE_SECONDS - self._now()
        # A task of its own: who asked first may go away, and others wait for it.
        making.task = asyncio.create_task(self._make(key, scope, topics, making, pause), name="make-view")
        making.task.add_done_callback(_note_failure)
        self._makings[key] = making
        return making

    async def _make(
        self, key: _Key, scope: Scope, topics: tuple[Topic, ...], making: _Making, pause: float
    ) -> _View:
        try:
            if pause > 0:
                await _wait_at_most(making.hurry, pause)
            async with self._turns.turn(_group(scope)):
                making.revision = self._revision_of(topics)
                began = self._now()
                answer = await _answer_of(self._app, scope)
            tag = b'"' + blake2b(answer.body, digest_size=12).hexdigest().encode() + b'"'
            view = _View(making.revision, began, tag, answer)
            self._keep(key, view)
            return view
        finally:
            del self._makings[key]

    def _keep(self, key: _Key, view: _View) -> None:
        former = self._views.pop(key, None)
        if former is not None:
            self._bytes -= len(former.answer.body)
        if view.answer.status != 200 or len(view.answer.body) > _VIEW_BYTES:
            return
        self._views[key] = view
        self._bytes += len(view.answer.body)
        while len(self._views) > _VIEWS or self._bytes > _ALL_BYTES:
            _, oldest = self._views.popitem(last=False)
            self._bytes -= len(oldest.answer.body)


def _topics_of(scope: Scope) -> tuple[Topic, ...] | None:
    path: str = scope["path"]
    topics = SHARED.get(path)
    if topics is None and b"page=" in scope["query_string"]:  # `per_page=` as well
        topics = SHARED_PAGES.get(path)
    return topics


def _are_of_one_term(one: str, other: str) -> bool:
    return one.rpartition("-")[0] == other.rpartition("-")[0]


def _is_as_new(made: str, wanted: str) -> bool:
    """Tell whether a revision is the wanted one, or a later one of the same term (`service/revisions.py`)."""
    return _are_of_one_term(made, wanted) and int(made.rpartition("-")[2]) >= int(wanted.rpartition("-")[2])


def _is_bounded(path: str) -> bool:
    return path.startswith(_BOUNDED) and not path.endswith(_BY_AGENTS)


def _known_tags(scope: Scope) -> tuple[bytes, ...]:
    """Give the tags of the answers that the caller has."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            return tuple(tag.strip().removeprefix(b"W/") for tag in value.split(b","))
    return ()


def _group(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


async def _wait_at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _answer_of(app: ASGIApp, scope: Scope) -> _Answer:
    """Have the app answer, and keep what it sends."""
    status, headers, parts = 500, [], []
    has_asked = False

    async def receive() -> Message:
        nonlocal has_asked
        if has_asked:
            await asyncio.Event().wait()  # nobody goes away: others may wait for the answer
        has_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message.get("headers", ()))
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, take)
    return _Answer(status, headers, b"".join(parts))


async def _send(view: _View, known: tuple[bytes, ...], send: Send) -> None:
    status, headers, body = view.answer
    if status == 200:
        if view.tag in known:
            status, body = 304, b""
            headers = [(b"etag", view.tag), *_HEADERS[1:]]
        else:
            length = str(len(body)).encode()
            headers = [(b"etag", view.tag), (b"content-length", length), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _note_failure(task: asyncio.Task[_View]) -> None:
    """Look at a failure that nobody waits for any more, so that it is not logged as one that nobody saw."""
    if not task.cancelled():
        task.exception()

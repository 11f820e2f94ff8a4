"""Lists that many look at: made once for all, never older than the question, and so many at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from elasticjob_cloud.api import shared_reads
from elasticjob_cloud.api.access.auth import Principal
from elasticjob_cloud.api.access.masked import with_caller
from elasticjob_cloud.api.access.users import Role
from elasticjob_cloud.api.shared_reads import PAUSE_SECONDS, SharedReads
from elasticjob_cloud.model.errors import NotFoundError, NotLeadingError, UnavailableError
from elasticjob_cloud.service.port import Topic

RUNS = "/api/job/runs"


class World:
    """An app that counts its answers, topics that change, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.status = 200
        self.body: bytes | None = None
        self.revision = 1
        self.leads = True
        self.now = 100.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.asked: list[frozenset[Topic]] = []
        self.reads = SharedReads(self.app, revision_of=self.revision_of, monotonic_seconds=lambda: self.now)

    def revision_of(self, topics: Iterable[Topic]) -> str:
        if not self.leads:
            raise NotLeadingError("nobody leads")
        self.asked.append(frozenset(topics))
        return f"r-{self.revision}"

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made.append(scope["path"])
        body = b"revision %d" % self.revision if self.body is None else self.body
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def get(
        self, path: str = RUNS, query: bytes = b"", *, tag: bytes = b"", role: Role | None = None
    ) -> "Answer":
        headers = [(b"if-none-match", tag)] if tag else []
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query,
            "headers": headers,
            "client": ("10.0.0.1", 1),
        }
        if role is not None:
            scope = with_caller(scope, Principal("somebody", role, is_local_only=False))
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(message)

        async def receive() -> Message:
            raise AssertionError("nobody reads a body")

        await self.reads(scope, receive, send)
        return Answer(messages)


class Answer:
    """What was sent."""

    def __init__(self, messages: list[Message]) -> None:
        self.status = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])
        self.tag = self.headers.get("etag", "").encode()


def play(scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await scene(World())

    asyncio.run(run())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_all_who_ask_at_one_revision_share_one_answer() -> None:
    async def scene(world: World) -> None:
        world.gate.clear()
        asking = [asyncio.create_task(world.get()) for _ in range(50)]
        await settle()
        world.gate.set()
        answers = [await each for each in asking]
        answers.append(await world.get())
        assert {answer.body for answer in answers} == {b"revision 1"}
        assert len(world.made) == 1
        assert world.asked[0] == {Topic.RUNS, Topic.TASKS, Topic.AGENTS}

    play(scene)


def test_nobody_has_an_answer_that_is_older_than_his_question() -> None:
    async def scene(world: World) -> None:
        world.gate.clear()
        early = asyncio.create_task(world.get())
        await settle()
        world.revision = 2  # while the first answer is being made
        late = [asyncio.create_task(world.get()) for _ in range(3)]
        await settle()
        assert len(world.made) == 1
        world.gate.set()
        assert (await early).body == b"revision 1"
        assert {(await each).body for each in late} == {b"revision 2"}
        assert len(world.made) == 2

    play(scene)


def test_nobody_waits_for_more_than_the_answer_after_his_question() -> None:
    async def scene(world: World) -> None:
        world.gate.clear()
        first = asyncio.create_task(world.get())
        await settle()
        world.revision = 2
        second = asyncio.create_task(world.get())
        third = asyncio.create_task(world.get())
        await settle()
        world.gate.set()
        await first
        world.gate.clear()
        await settle()  # one of them has begun the next answer
        world.revision = 3
        await settle()
        world.gate.set()
        assert {(await second).body, (await third).body} == {b"revision 2"}
        assert len(world.made) == 2

    play(scene)


def test_after_a_change_of_leaders_nothing_older_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        world.revision = 9
        await world.get()
        monkeypatch.setattr(world.reads, "_revision_of", lambda _: "another-2")
        world.body = b"of another term"
        assert (await world.get()).body == b"of another term"
        assert len(world.made) == 2

    play(scene)


def test_other_questions_and_other_roles_have_other_answers() -> None:
    async def scene(world: World) -> None:
        await world.get(query=b"state=FAILED")
        await world.get(query=b"state=RUNNING")
        await world.get(role=Role.ADMIN)
        await world.get(role=Role.GUEST)
        await world.get(role=Role.GUEST)
        assert len(world.made) == 4

    play(scene)


def test_who_has_the_answer_already_is_told_so() -> None:
    async def scene(world: World) -> None:
        world.body = b"the same"
        first = await world.get()
        assert first.headers["cache-control"] == "private, no-cache"
        again = await world.get(tag=b'"other", W/' + first.tag)
        assert (again.status, again.body, again.tag) == (304, b"", first.tag)
        assert "content-length" not in again.headers
        world.revision, world.now = 2, world.now + 60  # made again, and the same again
        again = await world.get(tag=first.tag)
        assert (again.status, len(world.made)) == (304, 2)
        world.body, world.revision, world.now = b"another", 3, world.now + 60
        other = await world.get(tag=first.tag)
        assert (other.status, other.body) == (200, b"another")

    play(scene)


def test_who_looks_on_waits_for_the_next_turn_and_who_asks_once_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    resume = asyncio.Event()

    async def pause(event: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.wait(
            {asyncio.ensure_future(event.wait()), asyncio.ensure_future(resume.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )

    monkeypatch.setattr(shared_reads, "_wait_at_most", pause)

    async def scene(world: World) -> None:
        tag = (await world.get()).tag
        world.now += 0.3
        world.revision = 2
        looking = [asyncio.create_task(world.get(tag=tag)) for _ in range(5)]
        await settle()
        assert (len(world.made), len(pauses)) == (1, 1)
        assert pauses[0] == pytest.approx(PAUSE_SECONDS - 0.3)
        world.revision = 3  # in the pause: the answer has this too
        assert (await world.get()).body == b"revision 3"
        assert {(await each).body for each in looking} == {b"revision 3"}
        assert len(world.made) == 2
        world.now += 2 * PAUSE_SECONDS
        world.revision = 4
        assert (await world.get(tag=tag)).body == b"revision 4"
        assert len(pauses) == 1
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    play(scene)


def test_time_passes_where_nothing_changes() -> None:
    async def scene(world: World) -> None:
        await world.get()
        world.now += 4.9
        await world.get()
        assert len(world.made) == 1
        world.now += 0.2
        await world.get()
        assert len(world.made) == 2

    play(scene)


def test_failures_reach_all_who_wait_and_are_not_kept() -> None:
    async def scene(world: World) -> None:
        world.failure = NotFoundError("there is none")
        for answer in await asyncio.gather(*(world.get() for _ in range(3)), return_exceptions=True):
            assert isinstance(answer, NotFoundError)
        assert len(world.made) == 1
        world.failure, world.status = None, 400
        assert (await world.get()).status == 400
        world.status = 200
        assert (await world.get()).status == 200
        assert len(world.made) == 3

    play(scene)


def test_who_asked_first_may_go_away() -> None:
    async def scene(world: World) -> None:
        world.gate.clear()
        first = asyncio.create_task(world.get())
        await settle()
        second = asyncio.create_task(world.get())
        await settle()
        first.cancel()
        await settle()
        world.gate.set()
        assert (await second).body == b"revision 1"
        assert len(world.made) == 1

    play(scene)


def test_without_a_leader_each_is_answered_by_the_app() -> None:
    async def scene(world: World) -> None:
        world.leads = False
        assert (await world.get()).tag == b""
        assert (await world.get()).body == b"revision 1"
        assert len(world.made) == 2

    play(scene)


@pytest.mark.parametrize(
    "path, query, is_shared",
    [
        ("/api/job/jobs", b"", False),
        ("/api/job/jobs", b"per_page=10", True),
        ("/api/job/tasks/ready", b"page=1", True),
        ("/api/job/tasks/ready", b"jobName=a", False),
        ("/api/job/runs/7", b"", False),
        ("/api/changes", b"", False),
        ("/api/job/timeline", b"", True),
    ],
)
def test_pages_are_shared_and_what_may_show_secrets_is_not(path: str, query: bytes, is_shared: bool) -> None:
    async def scene(world: World) -> None:
        answers = [await world.get(path, query) for _ in range(2)]
        assert bool(answers[1].tag) is is_shared
        assert len(world.made) == (1 if is_shared else 2)

    play(scene)


def test_beyond_so_many_reads_callers_are_sent_away_and_changes_are_still_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared_reads, "_AT_ONCE", 2)
    monkeypatch.setattr(shared_reads, "_WAITING", 3)

    async def scene(world: World) -> None:
        world.gate.clear()
        asking = [asyncio.create_task(world.get(f"/api/job/runs/{number}")) for number in range(4)]
        asking.append(asyncio.create_task(world.get()))  # a shared one has its turn as well
        await settle()
        assert len(world.made) == 2
        for path in ("/api/job/runs/9", "/api/job/failures"):
            with pytest.raises(UnavailableError) as refused:
                await world.get(path)
            assert refused.value.retry_after_seconds == 1
        free = ["/api/changes", "/api/operate/sandbox", "/api/job/tasks/x/log", "/api/job/tasks/x/log/search"]
        others = [asyncio.create_task(world.get(path)) for path in free]
        await settle()
        assert world.made[2:] == free
        world.gate.set()
        assert [(await each).status for each in (*asking, *others)] == [200] * 9
        assert (await world.get("/api/job/runs/9")).status == 200

    play(scene)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "_VIEWS", 3)
    monkeypatch.setattr(shared_reads, "_VIEW_BYTES", 50)
    monkeypatch.setattr(shared_reads, "_ALL_BYTES", 100)

    async def scene(world: World) -> None:
        async def made(number: int) -> bool:
            before = len(world.made)
            await world.get(query=b"limit=%d" % number)
            return len(world.made) > before

        world.body = b"x" * 10
        assert [await made(number) for number in (1, 2, 3, 1, 4)] == [True, True, True, False, True]
        assert [await made(number) for number in (1, 3, 4, 2)] == [False, False, False, True]
        world.body = b"x" * 51
        assert [await made(number) for number in (7, 7)] == [True, True]
        world.body = b"x" * 45
        assert [await made(number) for number in (8, 9, 10, 9, 10, 8)] == [True] * 3 + [False] * 2 + [True]

    play(scene)

"""The REST API itself, over a scheduler in memory, with a record of the calls and with answers that it seldom gives."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from elasticjob_cloud.api import Authenticator, AuthSettings, create_app
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.records import AppRecord, JobRecord
from tests.acceptance.api_scheduler import MemoryScheduler

TASK_ID = "my_job@-@0@-@READY@-@agent/1@-@uuid"
Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """A request as it came over the wire."""

    method: str
    target: str
    token: str | None
    body: Any

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass
class RecordedApi:
    """An ASGI app. `fixed` has answers by path, below `/api/`: the last of them stays; all else the API answers."""

    url: str = ""
    protected: bool = False
    calls: list[Call] = field(default_factory=list)
    fixed: dict[str, list[Answer]] = field(default_factory=dict)
    memory: MemoryScheduler = field(default_factory=MemoryScheduler)

    def __post_init__(self) -> None:
        authenticator = Authenticator(AuthSettings(), b"a key of thirty-two bytes or more")
        self._open = create_app(self.memory, None, registry=CollectorRegistry())
        self._protected = create_app(self.memory, authenticator, registry=CollectorRegistry())

    def begin_anew(self) -> None:
        """Be as new to the next test: an app takes longer to make than most tests take."""
        self.protected = False
        self.calls, self.fixed = [], {}
        self.memory.forget()

    def publish(self, *app_names: str) -> None:
        """Have apps of these names."""
        for name in app_names:
            configuration = AppConfiguration(app_name=name, app_url="http://h/a", bootstrap_script="x")
            self.memory.app_records[name] = AppRecord(configuration)

    def register(self, job_name: str, *, app_name: str = "my_app", **fields: Any) -> None:
        """Have a job, and its app."""
        self.publish(app_name)
        configuration = JobConfiguration(
            job_name=job_name,
            app_name=app_name,
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=1,
            cpu_count=0.1,
            memory_mb=64.0,
            **fields,
        )
        self.memory.job_records[job_name] = JobRecord(configuration)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await Request(scope, receive).body()
        query = scope["query_string"].decode()
        self.calls.append(
            Call(
                scope["method"],
                scope["raw_path"].decode() + (f"?{query}" if query else ""),
                dict(scope["headers"]).get(b"accesstoken", b"").decode() or None,
                json.loads(body) if body else None,
            )
        )
        queue = self.fixed.get(scope["path"].removeprefix("/api/"))
        if queue:
            await _response(*(queue.pop(0) if len(queue) > 1 else queue[0]))(scope, receive, send)
            return

        bodies = [body]

        async def replay() -> Message:
            if not bodies:
                return await receive()  # that the caller went away
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        await (self._protected if self.protected else self._open)(scope, replay, send)


def _response(status: int, body: Any) -> Response:
    return Response(body if isinstance(body, bytes) else json.dumps(body), status)

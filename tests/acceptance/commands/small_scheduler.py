"""A scheduler for the client commands: it keeps apps and jobs, and every call that it got.

What the tests ask of it is what `docs/api.md` promises, so that a real scheduler can take its place in the fixture `scheduler`.
"""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TASK_ID = "my job@-@0@-@READY@-@agent/1@-@uuid"
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
class SmallScheduler:
    """As much of the REST API as the commands call."""

    url: str = ""
    token: str = ""
    calls: list[Call] = field(default_factory=list)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    fixed: dict[str, list[Answer]] = field(default_factory=dict)

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        raw = urlsplit(call.target).path.removeprefix("/api/")
        parts = [unquote(part) for part in raw.split("/")]
        if parts == ["login"]:
            right = call.body == {"username": "root", "password": "pwd"}
            return (200, {"accessToken": "the-token"}) if right else (401, {"message": "Unauthorized."})
        if self.token and call.token != self.token:
            return 401, {"message": "Unauthorized."}
        queue = self.fixed.get("/".join(parts))
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        kept, key = (self.apps, "appName") if parts[0] == "app" else (self.jobs, "jobName")
        return self._keep(call, parts, kept, key)

    def _keep(self, call: Call, parts: list[str], kept: dict[str, dict[str, Any]], key: str) -> Answer:
        match call.method, parts[1:]:
            case "POST", [] | ["register"]:
                if call.body[key] in kept:
                    return 409, {"message": f"{call.body[key]} exists already."}
                kept[call.body[key]] = call.body
            case "PUT", []:
                kept[call.body[key]] |= call.body
            case "PUT", ["update"]:
                kept[call.body[key]] = call.body
            case "GET", ["list"] | ["jobs"]:
                return 200, list(kept.values())
            case "GET", [name] | ["jobs", name]:
                return (200, kept[name]) if name in kept else (404, {"message": f"There is no {name}."})
            case "GET", [name, "disable"]:
                return 200, kept[name].get("disabled", False)
            case "POST", [name, ("disable" | "enable") as verb]:
                kept[name]["disabled"] = verb == "disable"
            case "DELETE", [name] | [name, "deregister"]:
                del kept[name]
            case _:  # a trigger or a kill, which changes nothing that is kept
                pass
        return 200, True


class Handler(BaseHTTPRequestHandler):
    scheduler: SmallScheduler

    def _serve(self) -> None:
        length = int(self.headers.get("content-length", 0))
        raw = self.rfile.read(length)
        call = Call(
            self.command, self.path, self.headers.get("accessToken"), json.loads(raw) if raw else None
        )
        status, body = self.scheduler.answer(call)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet: the calls are kept."""

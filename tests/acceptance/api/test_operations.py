"""Operations, probes, and what callers see when the scheduler cannot answer."""

import httpx
import pytest
from structlog.testing import capture_logs

from elasticjob_cloud.model.errors import BugError, UnavailableError
from tests.acceptance.api_scheduler import TASK_ID
from tests.acceptance.conftest import MemoryServer
from tests.http_client import http_client, http_get

APP = {"appName": "my_app", "appURL": "http://app_host:8080/my-job.tar.gz", "bootstrapScript": "bin/start.sh"}
EXPLICIT, IMPLICIT = "/api/operate/reconcile/explicit", "/api/operate/reconcile/implicit"


def test_reconciliation_is_asked_for_at_most_once_in_ten_seconds(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    assert admin.post(EXPLICIT).text == "true"
    for path in (EXPLICIT, IMPLICIT):
        answer = admin.post(path)
        assert answer.status_code == 409
        assert "try again in 10 s" in answer.json()["message"]
    memory_server.clock.move(9.5)
    assert admin.post(IMPLICIT).status_code == 409
    memory_server.clock.move(0.5)
    assert admin.post(IMPLICIT).text == "true"
    assert memory_server.scheduler.reconciled == 2


def test_reconciliation_that_failed_does_not_count(memory_server: MemoryServer, admin: httpx.Client) -> None:
    memory_server.scheduler.failure = UnavailableError("There is no leader.")
    assert admin.post(EXPLICIT).status_code == 503
    memory_server.scheduler.failure = None
    assert admin.post(EXPLICIT).text == "true"


def test_jobs_that_a_wrong_clock_silenced_are_let_go_on_at_any_time(
    memory_server: MemoryServer, admin: httpx.Client, guest: httpx.Client
) -> None:
    assert guest.post("/api/operate/reconcile/clock").status_code == 403
    for _ in range(2):
        assert admin.post("/api/operate/reconcile/clock").text == "true"
    assert memory_server.scheduler.clock_reconciled == 2


def test_operators_see_agents_schedulers_and_sandboxes(admin: httpx.Client, guest: httpx.Client) -> None:
    assert guest.get("/api/operate/agents").json() == [
        {
            "id": "agent-1",
            "hostname": "host",
            "ip": "127.0.0.1",
            "cpusTotal": 4.0,
            "cpusUsed": 0.5,
            "memoryMBTotal": 1024.0,
            "memoryMBUsed": 64.0,
            "diskFreeMB": 2048,
            "diskTotalMB": 10240,
            "executors": ["my_app"],
            "taskCount": 1,
            "lastSeen": "2026-11-18T11:06:40.123+00:00",
            "draining": "",
        }
    ]
    assert guest.get("/api/operate/schedulers").json() == [
        {"id": "scheduler-1", "address": "127.0.0.1:8899", "leader": True, "epoch": 3}
    ]
    assert admin.post("/api/app", json=APP).text == "true"
    assert guest.get("/api/operate/sandbox?appName=my_app").json() == [
        {
            "hostname": "host",
            "agentId": "agent-1",
            "appName": "my_app",
            "path": "/sandbox/my_app",
            "taskIds": [TASK_ID],
            "sizeBytes": 4096,
        }
    ]
    assert guest.get("/api/operate/sandbox").status_code == 400


def test_probes_tell_alive_from_ready(memory_server: MemoryServer) -> None:
    with http_client(base_url=memory_server.url) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        memory_server.scheduler.failure = UnavailableError("There is no agent.")
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"message": "There is no agent."})
        for method in ("GET", "HEAD"):
            assert client.request(method, "/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/api/app/list", "/api/job/jobs", "/api/docs", "/healthz", "/api/nothing", "/api/job/no"],
)
def test_head_answers_as_get_without_a_body(admin: httpx.Client, guest: httpx.Client, path: str) -> None:
    for client in (admin, guest):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        assert client.get("/healthz").status_code == 200, "the connection goes on"


def test_head_needs_a_token_and_a_path_that_can_be_got(server: str, admin: httpx.Client) -> None:
    with http_client(base_url=server) as stranger:
        assert stranger.head("/api/app").status_code == 401
    assert admin.head("/api/job/trigger").status_code == 405
    assert "HEAD" in admin.request("PATCH", "/api/job/jobs").headers["allow"]


def test_metrics_are_prometheus(memory_server: MemoryServer) -> None:
    answer = http_get(f"{memory_server.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    openmetrics = http_get(f"{memory_server.url}/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


def test_without_a_leader_callers_are_told_when_to_try_again(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    memory_server.scheduler.failure = UnavailableError(
        "There is no leader at the moment.", retry_after_seconds=3
    )
    for method, path in (
        ("GET", "/api/app/list"),
        ("POST", "/api/job/trigger"),
        ("DELETE", "/api/app/my_app"),
    ):
        answer = admin.request(method, path, content=b"my_job" if method == "POST" else None)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
        assert answer.json() == {"message": "There is no leader at the moment."}


@pytest.mark.parametrize(
    "failure", [RuntimeError("the secret is 42"), BugError("the secret is 42"), KeyError("x")]
)
def test_our_own_fault_is_told_by_a_number_that_is_in_the_log(
    memory_server: MemoryServer, admin: httpx.Client, failure: Exception
) -> None:
    memory_server.scheduler.failure = failure
    with capture_logs() as logs:
        answer = admin.get("/api/app/list")
    assert answer.status_code == 500
    assert set(answer.json()) == {"message"}
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (entry,) = [entry for entry in logs if "incident" in entry]
    assert entry["incident"] in answer.json()["message"]
    assert entry["exc_info"] is failure


def test_other_methods_and_paths_are_errors_in_the_same_form(admin: httpx.Client) -> None:
    answer = admin.patch("/api/app")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"POST", "PUT"}
    assert "POST" in answer.json()["message"]
    answer = admin.get("/nothing/at/all\u2028")
    assert answer.status_code == 404
    assert set(answer.json()) == {"message"}
    assert admin.get("/api/job/statistics/nothing").status_code == 404

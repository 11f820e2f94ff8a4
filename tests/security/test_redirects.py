"""Headers of a webhook, which may be secrets, stay with its host (issue 11, C10)."""

import pytest

from elasticjob_cloud import ShardingContext
from elasticjob_cloud.testing import run_shard
from tests.integration.sdk.notification_servers import Answer, HttpRecorder

HEADERS = {
    "webhook.header.Authorization": "Bearer t",
    "webhook.header.X-Api-Key": "k",
    "webhook.header.Cookie": "c=1",
}


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fails(context: ShardingContext) -> None:
    raise ValueError("boom")


def tell(url: str) -> None:
    run_shard(fails, job_name="report", props={"webhook.url": url, **HEADERS}, error_handler="WEBHOOK")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_takes_no_header_of_the_webhook_along(status: int) -> None:
    with HttpRecorder() as other, HttpRecorder() as home:
        home.answer = lambda request: Answer(status, headers={"Location": f"{other.url}/there"})
        tell(home.url)
        (first,), (second,) = home.wait_requests(1), other.wait_requests(1)
    assert (first.headers["authorization"], first.headers["x-api-key"]) == ("Bearer t", "k")
    assert not {"authorization", "x-api-key", "cookie"} & second.headers.keys()


def test_header_that_was_dropped_does_not_come_back_on_the_way_home() -> None:
    with HttpRecorder() as other, HttpRecorder() as home:
        home.answer = lambda request: (
            Answer(307, headers={"Location": other.url}) if request.path == "/" else Answer()
        )
        other.answer = lambda request: Answer(307, headers={"Location": f"{home.url}/again"})
        tell(f"{home.url}/")
        _, again = home.wait_requests(2)
    assert "x-api-key" not in again.headers


@pytest.mark.parametrize("status", [302, 307])
def test_redirect_on_the_same_host_keeps_them(status: int) -> None:
    with HttpRecorder() as home:
        home.answer = lambda request: (
            Answer(status, headers={"Location": "/there"}) if request.path == "/" else Answer()
        )
        tell(f"{home.url}/")
        _, second = home.wait_requests(2)
    assert (second.headers["authorization"], second.headers["x-api-key"]) == ("Bearer t", "k")

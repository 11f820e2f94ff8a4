"""`/metrics` of a real server: what its page documents, and results by the one rule of what counts as failed."""

import re
from collections.abc import Iterator

import pytest

from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.checkout import ROOT
from tests.http_client import http_get
from tests.integration.apps.app_servers import http_app_server
from tests.shown_metrics import ShownMetrics
from tests.waiting import wait_for

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "metrics.md"
_JOB = """
from elasticjob_cloud import ShardingContext, SimpleJob

class Job(SimpleJob):
    def execute(self, context: ShardingContext) -> None:
        if context.job_parameter == "fail":
            raise ValueError("it fails")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A server on which one run succeeded, and one failed whose error handler ignores the exception."""
    with (
        http_app_server() as apps,
        Standalone(tmp_path_factory.mktemp("metrics") / "data", "--cpus", "4") as server,
    ):
        script = "#!/bin/sh\nexec python -m elasticjob_cloud job:Job\n"
        apps.serve_body("/app.tar.gz", tar_gz({"bin/start.sh": script, "job.py": _JOB}))
        server.publish("app", apps.url("/app.tar.gz"), bootstrapScript="bin/start.sh")
        for name in ("succeed", "fail"):
            server.register(name, "app", jobParameter=name, jobErrorHandlerType="IGNORE")
            server.call("POST", "/job/trigger", name)
        wait_for(lambda: ended_tasks(server) == 2, "both tasks are counted")
        yield server


@pytest.fixture(scope="module")
def shown(server: Standalone) -> ShownMetrics:
    return read_metrics(server)


def read_metrics(server: Standalone) -> ShownMetrics:
    return ShownMetrics(http_get(f"{server.url}/metrics").text)


def ended_tasks(server: Standalone) -> float | None:
    return read_metrics(server).value("elasticjob_tasks_ended_total", state="TASK_FINISHED")


def documented() -> dict[str, set[str]]:
    """Give the metrics of the page's table, with their labels."""
    cells = re.findall(r"^\| (`elasticjob_.*?) \|", PAGE.read_text(), re.MULTILINE)
    found = {}
    for name, labels in re.findall(r"`(elasticjob_\w+)(?:\{([\w,]+)\})?`", " ".join(cells)):
        found[name] = set(labels.split(",")) - {""}
    return found


def test_page_has_each_metric_and_no_other(shown: ShownMetrics) -> None:
    assert set(documented()) == shown.names


def test_page_has_the_labels_of_each_metric(shown: ShownMetrics) -> None:
    with_series = {name for name in shown.names if {name, f"{name}_count"} & set(shown.series)}
    assert shown.names - with_series == {"elasticjob_failed_turns_total"}  # none has failed
    assert {name: shown.labels_of(name) for name in with_series} == {
        name: labels for name, labels in documented().items() if name in with_series
    }


def test_exception_that_the_error_handler_ignores_is_counted_as_failed(shown: ShownMetrics) -> None:
    assert shown.value("elasticjob_tasks_ended_total", state="TASK_FINISHED") == 2
    for result in ("SUCCEEDED", "FAILED"):
        assert shown.value("elasticjob_runs_total", state=result) == 1
        assert shown.value("elasticjob_executions_total", result=result) == 1


def test_only_the_job_that_succeeded_has_a_last_success(shown: ShownMetrics) -> None:
    labels = [dict(it) for it in shown.series["elasticjob_last_success_timestamp_seconds"]]
    assert labels == [{"job": "succeed"}]


def test_failed_run_is_an_open_alert(shown: ShownMetrics) -> None:
    assert shown.value("elasticjob_alerts", state="FIRING", condition="RUN_FAILED") == 1
    assert shown.value("elasticjob_alerts_fired_total", condition="RUN_FAILED") == 1

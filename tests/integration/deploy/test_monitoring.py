"""What examples/deploy/monitoring asks for is what a running scheduler shows; Prometheus and Grafana can read the files."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from tests.acceptance.standalone import Standalone
from tests.http_client import http_get
from tests.integration.deploy.deploy_files import DEPLOY
from tests.shown_metrics import ShownMetrics

pytestmark = pytest.mark.slow
MONITORING = DEPLOY / "monitoring"
SCRAPE_JOB = "elasticjob"
# Prometheus adds the first two, and renames our `job`.
OF_PROMETHEUS = {"job", "instance", "exported_job"}
UNITS = {"short", "s", "ops", "bytes", "percentunit"}  # Grafana's ids; a misspelt one shows plain numbers
WIDTH = 24  # columns of a Grafana dashboard


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownMetrics]:
    with Standalone(tmp_path_factory.mktemp("monitoring") / "data") as server:
        yield ShownMetrics(http_get(f"{server.url}/metrics").text)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
    return document


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rule_expressions() -> list[str]:
    return [rule["expr"] for rule in rules()]


def panel_expressions() -> list[str]:
    """Give all queries of the dashboard, as Grafana sends them."""
    expressions = (target["expr"] for panel in panels() for target in panel["targets"])
    return [it.replace("$__rate_interval", "1m").replace("$job", SCRAPE_JOB) for it in expressions]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Give what an expression reads; raises where it is no PromQL."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def grouped_labels(expression: str) -> set[str]:
    """Give the labels by which an expression aggregates."""
    return {
        label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(",")
    }


@pytest.mark.parametrize("expressions", [rule_expressions, panel_expressions])
def test_each_query_reads_what_a_scheduler_shows(
    shown: ShownMetrics, expressions: Callable[[], list[str]]
) -> None:
    for expression in expressions():
        read = selectors(expression)
        assert read, expression
        for selector in read:
            assert selector.name in shown.queried | {"up"}, expression  # the latter is Prometheus' own
            matchers = selector.matchers.matchers
            assert "job" in {matcher.name for matcher in matchers}, expression
            for matcher in matchers:
                check_matcher(shown, selector.name, matcher)
        check_grouping(shown, expression, [selector.name or "" for selector in read])


def check_matcher(shown: ShownMetrics, name: str, matcher: promql_parser.Matcher) -> None:
    if matcher.name == "job":
        assert matcher.value == SCRAPE_JOB, name
    elif matcher.name not in OF_PROMETHEUS:
        values = {labels.get(matcher.name, "") for labels in shown.series[name]}
        assert set(matcher.value.split("|")) <= values, f"{name}: {matcher.name} is one of {sorted(values)}"


def check_grouping(shown: ShownMetrics, expression: str, names: list[str]) -> None:
    if all(name in shown.series for name in names):
        labels = {label for name in names for series in shown.series[name] for label in series}
        assert grouped_labels(expression) <= labels | OF_PROMETHEUS, expression


@pytest.mark.parametrize("broken", ["sum(rate(a[5m])", "rate(a)", "sum by state (a)"])
def test_parser_refuses_what_is_no_promql(broken: str) -> None:
    with pytest.raises(ValueError, match=r"promql|expected|paren"):
        selectors(broken)


def test_prometheus_scrapes_under_the_name_that_rules_select_and_loads_the_rules() -> None:
    configuration = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert [scrape["job_name"] for scrape in configuration["scrape_configs"]] == [SCRAPE_JOB]
    assert configuration["rule_files"] == ["rules.yml"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_rule_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "action"}
    assert all(text.endswith(".") for text in rule["annotations"].values())


def test_each_rule_fires_in_a_made_up_hour() -> None:
    tested = (MONITORING / "rules_test.yml").read_text()
    assert [rule["alert"] for rule in rules() if f'alertname="{rule["alert"]}"' not in tested] == []


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool, from Debian's package prometheus"
)
@pytest.mark.parametrize(
    "arguments", [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")]
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_metric_is_in_the_dashboard(shown: ShownMetrics) -> None:
    read = {selector.name for expression in panel_expressions() for selector in selectors(expression)}
    bases = {re.sub("_bucket$", "", name or "") for name in read}
    assert shown.names - bases == {"elasticjob_apps"}


def test_dashboard_asks_for_the_data_source_when_it_is_imported() -> None:
    document = dashboard()
    assert document["id"] is None  # Grafana gives it one
    assert document["schemaVersion"] >= 36  # data sources by uid
    variables = {it["name"]: it for it in document["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert variables["job"]["datasource"] == source
    for panel in panels():
        assert panel["datasource"] == source, panel["title"]
        assert all(target["datasource"] == source for target in panel["targets"]), panel["title"]


def test_panels_have_a_unit_a_description_and_queries_of_their_own_names() -> None:
    for panel in panels():
        assert panel["type"] in {"stat", "timeseries", "table"}
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names) > 0, panel["title"]


def test_panels_lie_within_the_page_and_on_no_other() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    squares: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        columns, lines = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        assert columns.stop <= WIDTH, panel["title"]
        taken = set(itertools.product(columns, lines))
        assert not squares & taken, panel["title"]
        squares |= taken


def test_legends_name_labels_that_their_queries_give_and_variables_are_known() -> None:
    variables = {it["name"] for it in dashboard()["templating"]["list"]} | {"__rate_interval"}
    for panel in panels():
        for target in panel["targets"]:
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            given = grouped_labels(target["expr"]) if " by (" in target["expr"] else OF_PROMETHEUS
            assert labels <= given, panel["title"]
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= variables, panel["title"]
